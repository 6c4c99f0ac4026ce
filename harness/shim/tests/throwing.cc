#include "throwing.h"

#include <stdexcept>

void throw_before_loop(struct bench_state *, void *)
{
	throw std::runtime_error("too hot");
}

void throw_in_loop_of_last_thread(struct bench_state *state, void *)
{
	BENCH_LOOP(state) {
		if (bench_thread_index(state) + 1 == bench_thread_count(state))
			throw 42;
	}
}

void throw_from_callback(const struct bench_result *, void *user_data)
{
	++*static_cast<unsigned *>(user_data);
	throw std::runtime_error("too cold");
}
