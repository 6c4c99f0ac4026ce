#include "harness/runner/request/request.h"

#include <stdlib.h>
#include <string.h>

#include "harness/common/text.h"

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
		const size_t length = strcspn(request->given.allocator.items[i], "=");

		if (strlen(label) == length &&
		    strncmp(label, request->given.allocator.items[i], length) == 0)
			return true;
	}
	return request->given.allocators != NULL && is_in_list(label, request->given.allocators);
}

void request_release(struct request *request)
{
	for (size_t i = 0; i < request->allocator_count; i++)
		allocator_release(&request->allocators[i]);
	free(request->allocators);
	free(request->strategies);
	for (size_t i = 0; i < request->implementation_count; i++)
		implementation_release(&request->implementations[i]);
	free(request->implementations);
	free(request->shapes);
	free(request->row_bytes.values);
	free(request->threads.values);
	free(request->timeline.values);
}
