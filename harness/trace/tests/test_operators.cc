/*
 * C++ behind the interposer: each operator new and delete is one call, whoever defines it, and an
 * exception passes through.
 */
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <limits>
#include <new>
#include <string_view>
#include <vector>

#include "harness/trace/trace.h"

static const struct trace *trace;
static int failures;

#define CHECK_EQUAL(actual, expected)                                                            \
	do {                                                                                     \
		const unsigned long long actual_ = (actual);                                     \
		const unsigned long long expected_ = (expected);                                 \
		if (actual_ != expected_) {                                                      \
			std::fprintf(stderr, "%s:%d: " #actual " is %llu, not %llu\n", __FILE__, \
				     __LINE__, actual_, expected_);                              \
			failures++;                                                              \
		}                                                                                \
	} while (0)

static void each_operator_is_one_call()
{
	const std::align_val_t alignment{64};
	trace_counts counts;
	trace_live live;
	void *blocks[8];

	trace->reset(100);
	trace->start();
	blocks[0] = operator new(10);
	blocks[1] = operator new[](20);
	blocks[2] = operator new(30, std::nothrow);
	blocks[3] = operator new[](40, std::nothrow);
	blocks[4] = operator new(50, alignment);
	blocks[5] = operator new[](60, alignment);
	blocks[6] = operator new(70, alignment, std::nothrow);
	blocks[7] = operator new[](80, alignment, std::nothrow);
	trace->stop(&counts);
	trace->live(&live);
	CHECK_EQUAL(counts.malloc_count, 4);
	CHECK_EQUAL(counts.aligned_count, 4);
	CHECK_EQUAL(counts.failed_count, 0);
	CHECK_EQUAL(counts.calloc_count + counts.realloc_count + counts.free_count, 0);
	CHECK_EQUAL(live.requested_bytes, 360);

	trace->start();
	operator delete(blocks[0]);
	operator delete[](blocks[1], 20);
	operator delete(blocks[2], std::nothrow);
	operator delete[](blocks[3], std::nothrow);
	operator delete(blocks[4], alignment);
	operator delete[](blocks[5], 60, alignment);
	operator delete(blocks[6], alignment, std::nothrow);
	operator delete[](blocks[7], alignment, std::nothrow);
	operator delete(nullptr);
	operator delete(operator new(1), 1);
	operator delete[](operator new[](1));
	operator delete(operator new(1, alignment), 1, alignment);
	operator delete[](operator new[](1, alignment), alignment);
	trace->stop(&counts);
	trace->live(&live);
	CHECK_EQUAL(counts.free_count, 12);
	CHECK_EQUAL(counts.malloc_count, 2);
	CHECK_EQUAL(counts.aligned_count, 2);
	CHECK_EQUAL(live.requested_bytes, 0);
	CHECK_EQUAL(live.usable_bytes, 0);
}

/* Where the compiler cannot see that it is too much. */
static volatile std::size_t too_much = std::numeric_limits<std::ptrdiff_t>::max() / 2;

static bool throws_bad_alloc()
{
	try {
		operator delete(operator new(too_much));
	} catch (const std::bad_alloc &) {
		return true;
	}
	return false;
}

/* Some allocators end the process instead. */
static bool allocator_throws(const char *name)
{
	Dl_info info;

	return dladdr(trace->real("malloc"), &info) == 0 ||
	       std::string_view(info.dli_fname).find(name) == std::string_view::npos;
}

static void exceptions_pass_through()
{
	trace_counts counts;
	trace_live live;

	if (!allocator_throws("scudo") || !allocator_throws("mimalloc")) {
		std::puts("skipped: this allocator's operator new does not throw");
		return;
	}
	trace->reset(100);
	trace->start();
	for (int i = 0; i < 3; i++)
		CHECK_EQUAL(throws_bad_alloc(), true);
	CHECK_EQUAL(operator new(too_much, std::nothrow) == nullptr, true);
	/* Had one not been seen to end, this would pass as a call within it. */
	std::free(std::malloc(5));
	trace->stop(&counts);
	trace->live(&live);
	CHECK_EQUAL(counts.failed_count, 4);
	/* The C++ library allocates the exceptions within the operator, which is not the program's
	 * call, but the program's catch frees them. */
	CHECK_EQUAL(counts.malloc_count, 5);
	CHECK_EQUAL(counts.free_count >= 1 && counts.free_count <= 4, true);
	CHECK_EQUAL(live.requested_bytes, 0);
}

static void a_vector_grows_by_new_blocks()
{
	trace_counts counts;
	trace_live live;

	trace->reset(100);
	trace->start();
	{
		std::vector<double> numbers;

		for (int i = 0; i < 1000; i++)
			numbers.push_back(i);
	}
	trace->stop(&counts);
	trace->live(&live);
	/* 1, 2, 4, ..., 1024. */
	CHECK_EQUAL(counts.malloc_count, 11);
	CHECK_EQUAL(counts.free_count, 11);
	CHECK_EQUAL(live.peak_requested_bytes, (1024 + 512) * sizeof(double));
	CHECK_EQUAL(live.requested_bytes, 0);
}

int main()
{
	trace = static_cast<const struct trace *>(dlsym(RTLD_DEFAULT, TRACE_SYMBOL));
	if (trace == nullptr) {
		std::fputs("the interposer is not preloaded\n", stderr);
		return 1;
	}
	each_operator_is_one_call();
	exceptions_pass_through();
	a_vector_grows_by_new_blocks();
	return failures == 0 ? 0 : 1;
}
