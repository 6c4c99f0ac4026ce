#include "harness/runner/request/request.h"

#include <string.h>

#include <glib.h>

#include "harness/common/text.h"

const char *const pairing_names[] = {
	[PAIRING_INTERLEAVED] = "interleaved",
	[PAIRING_DUET] = "duet",
	NULL,
};

const struct implementation *request_implementation(const struct request *request,
						    const struct strategy *strategy)
{
	for (size_t i = 0; i < request->implementation_count; i++) {
		const struct implementation *implementation = &request->implementations[i];

		if (strategy >= implementation->strategies &&
		    strategy < implementation->strategies + implementation->strategy_count)
			return implementation;
	}
	return NULL;
}

bool request_names_allocator(const struct request *request, const char *label)
{
	for (size_t i = 0; i < request->given.allocator.count; i++) {
		const char *text = request->given.allocator.items[i];

		if (g_str_has_prefix(text, label) && text[strlen(label)] == '=')
			return true;
	}
	return request->given.allocators != NULL && is_in_list(label, request->given.allocators);
}

unsigned request_cpus(const struct strategy *strategy, uint64_t threads)
{
	return strategy != NULL && strategy->takes_turns ? 1 : (unsigned)threads;
}

unsigned request_most_cpus(const struct request *request)
{
	return request->replay != NULL
		       ? 1
		       : (unsigned)request->threads.values[request->threads.count - 1];
}

size_t request_first_allocator(const struct request *request)
{
	for (size_t a = 0; a < request->allocator_count; a++)
		if (request->allocators[a].missing == NULL)
			return a;
	return 0;
}

void request_release(struct request *request)
{
	for (size_t i = 0; i < request->allocator_count; i++)
		allocator_release(&request->allocators[i]);
	g_free(request->allocators);
	g_free(request->strategies);
	g_free(request->profile_digest);
	if (request->replay != NULL)
		replay_close();
	g_free(request->strategy_names);
	if (request->instances != NULL)
		g_ptr_array_unref(request->instances);
	for (size_t i = 0; i < request->implementation_count; i++)
		implementation_release(&request->implementations[i]);
	g_free(request->implementations);
	g_free(request->shapes);
	g_free(request->row_bytes.values);
	g_free(request->threads.values);
	g_free(request->timeline.values);
	g_free(request->instruction_rows.values);
}
