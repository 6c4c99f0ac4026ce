/* What the traced program asks for by its name: trace.h. */
#include "harness/trace/account.h"
#include "harness/trace/calls.h"
#include "harness/trace/mappings.h"
#include "harness/trace/real.h"
#include "harness/trace/system_calls.h"
#include "harness/trace/trace.h"

static bool reset(size_t blocks)
{
	mappings_forget();
	return account_reset(blocks);
}

static const char *incomplete(void)
{
	if (account_lost_blocks())
		return "the interposer had no memory for its table of blocks";
	if (mappings_lost())
		return "the interposer had no memory for its table of mappings";
	return NULL;
}

static void start(void)
{
	account.counts =
		(struct trace_counts){.system_calls_seen = system_calls_unavailable() == NULL};
	account.selector = ACCOUNT_SYSTEM_CALLS_PASS;
	if (account.counts.system_calls_seen)
		system_calls_begin();
	account.counting = true;
	account.selector = ACCOUNT_SYSTEM_CALLS_SEEN;
}

static void pause_counting(void)
{
	account.selector = ACCOUNT_SYSTEM_CALLS_PASS;
	account.counting = false;
}

static void resume_counting(void)
{
	account.counting = true;
	account.selector = ACCOUNT_SYSTEM_CALLS_SEEN;
}

static void stop(struct trace_counts *counts)
{
	pause_counting();
	if (account.counts.system_calls_seen)
		system_calls_end();
	*counts = account.counts;
}

EXPORTED extern const struct trace growbench_trace;

const struct trace growbench_trace = {
	.version = TRACE_VERSION,
	.real = real_function,
	.syscalls_unavailable = system_calls_unavailable,
	.way = system_calls_way,
	.reset = reset,
	.start = start,
	.stop = stop,
	.pause = pause_counting,
	.resume = resume_counting,
	.live = account_live,
	.incomplete = incomplete,
};
