#include "harness/worker/measure.h"

#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "harness/shim/bench.h"
#include "harness/worker/clock.h"
#include "harness/worker/hardware_counter.h"
#include "harness/worker/memory.h"
#include "harness/worker/partner.h"
#include "harness/worker/team.h"

/* Of each thread. */
struct times {
	uint64_t start_ns[PHASE_COUNT];
	uint64_t end_ns[PHASE_COUNT];
};

struct measurement {
	struct team team;
	struct measure_result *result;
	struct huge_counters huge_counters;
	struct huge_faults huge_faults_before;
	struct timings timings; /* of the first thread's warm builds; zeros: none are taken */
	struct hardware_counter hardware;
	/* Of the values of the warm part, as far as they are made: what is left out of them. */
	unsigned values;
	uint64_t paused_ns[MEASURE_MAX_VALUES];
};

/* From a meeting with the partner to what is timed: for the notes before the cold build, and for
 * one that slept while it waited. */
enum {
	COLD_MARGIN_NS = 2000000,
	WARM_MARGIN_NS = 200000
};

static cpu_set_t pinned_cpus;

bool measure_pin(const char *cpus, struct error *error)
{
	CPU_ZERO(&pinned_cpus);
	for (const char *next = cpus; *next != '\0';) {
		char *end;
		unsigned long cpu = strtoul(next, &end, 10);

		if (end == next || cpu >= CPU_SETSIZE || (*end != '\0' && *end != ','))
			return error_set(error, "--cpus: '%s' is no list of CPU numbers", cpus);
		CPU_SET(cpu, &pinned_cpus);
		next = *end == ',' ? end + 1 : end;
	}
	if (sched_setaffinity(0, sizeof pinned_cpus, &pinned_cpus) != 0)
		return error_set(error, "--cpus: cannot run on CPU %s; it is offline or not ours",
				 cpus);
	return true;
}

static void pin_thread(const struct team_thread *thread)
{
	unsigned count = (unsigned)CPU_COUNT(&pinned_cpus);
	unsigned wanted;
	cpu_set_t one;

	if (count < 2 || thread->team->request->threads < 2)
		return;
	wanted = thread->number % count;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &pinned_cpus) || wanted-- > 0)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		(void)pthread_setaffinity_np(pthread_self(), sizeof one, &one);
		return;
	}
}

static uint64_t timeval_ns(const struct timeval *time)
{
	return (uint64_t)time->tv_sec * 1000000000 + (uint64_t)time->tv_usec * 1000;
}

static void open_huge_counters(struct measurement *measurement)
{
	struct measure_result *result = measurement->result;

	result->huge_faults_known =
		huge_counters_open("", &measurement->huge_counters, &result->why_no_huge_faults);
}

static void read_huge_counters(struct measurement *measurement, struct huge_faults *faults)
{
	struct measure_result *result = measurement->result;

	if (result->huge_faults_known && !huge_counters_read(&measurement->huge_counters, faults))
		result->huge_faults_known =
			error_set(&result->why_no_huge_faults,
				  "the kernel's counters of faults of huge pages cannot be read");
}

/* The counters are of all processes: what is more than this one's own faults is not its own. */
static void note_huge_faults(struct measurement *measurement)
{
	const struct huge_faults *before = &measurement->huge_faults_before;
	struct measure_result *result = measurement->result;
	struct huge_faults *huge = &result->cold_build_huge_faults;

	read_huge_counters(measurement, huge);
	huge->count -= before->count;
	huge->bytes -= before->bytes;
	if (result->huge_faults_known && huge->count > result->cold_build_minor_faults)
		result->huge_faults_known =
			error_set(&result->why_no_huge_faults,
				  "another process took huge pages during the build: of %" PRIu64
				  " faults of huge pages at most %" PRIu64 " are its own",
				  huge->count, result->cold_build_minor_faults);
}

/* Of the cold lifecycle, or of so many warm ones, as far as one thread's can be told. */
static void open_hardware(struct measurement *measurement)
{
	const struct measure_request *request = measurement->team.request;

	hardware_counter_open(&measurement->hardware);
	if (request->threads == 1 && request->strategy->paused_ns == NULL)
		return;
	hardware_counter_close(&measurement->hardware);
	(void)error_set(&measurement->hardware.why_not,
			request->threads > 1 ? "counted of one thread only"
					     : "the strategy does what is not its own in between");
}

/* So far; what is timed leaves it out. */
static uint64_t paused_ns(const struct team_thread *thread)
{
	const struct strategy *strategy = thread->team->request->strategy;

	return strategy->paused_ns == NULL ? 0 : strategy->paused_ns(&thread->source);
}

static void take_hardware_cold(struct measurement *measurement)
{
	uint64_t count;

	if (hardware_counter_take(&measurement->hardware, &count))
		measurement->result->cold_hardware_instructions = count;
}

static void take_hardware_warm(struct measurement *measurement, double lifecycles)
{
	uint64_t count;

	if (hardware_counter_take(&measurement->hardware, &count))
		measurement->result->warm_hardware_instructions = (double)count / lifecycles;
}

/* What the first thread notes before and after the phases, while the others wait. */
static void note_before(struct measurement *measurement, struct rusage *before)
{
	struct measure_result *result = measurement->result;

	read_huge_counters(measurement, &measurement->huge_faults_before);
	result->peak_known = memory_reset_peak(&result->rss_before_bytes, &result->touch_page_ns);
	(void)getrusage(RUSAGE_SELF, before);
}

/* All that the first thread does before the cold build; a partner begins its own then as well. The
 * meeting comes first, as nothing may come between the notes and the build but looks at the clock.
 */
static void begin_cold(struct measurement *measurement, struct rusage *before)
{
	const uint64_t moment_ns = partner_meet(COLD_MARGIN_NS);

	note_before(measurement, before);
	partner_wait_until(moment_ns);
}

static void note_after_build(struct measurement *measurement, const struct rusage *before)
{
	struct measure_result *result = measurement->result;
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage);
	result->cold_build_minor_faults = (uint64_t)(usage.ru_minflt - before->ru_minflt);
	result->cold_build_major_faults = (uint64_t)(usage.ru_majflt - before->ru_majflt);
	if (result->peak_known)
		result->peak_known = memory_peak(&result->peak_rss_bytes);
	note_huge_faults(measurement);
}

static void note_end(struct measurement *measurement, const struct rusage *before)
{
	struct measure_result *result = measurement->result;
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage);
	result->cold_user_ns = timeval_ns(&usage.ru_utime) - timeval_ns(&before->ru_utime);
	result->cold_system_ns = timeval_ns(&usage.ru_stime) - timeval_ns(&before->ru_stime);
}

/* One thread's cold lifecycle. */
static void *run_cold(void *data)
{
	struct team_thread *thread = data;
	struct team *team = thread->team;
	struct measurement *measurement = team->pass;
	struct times *times = thread->own;
	const struct measure_request *request = team->request;
	const struct strategy *strategy = request->strategy;
	struct array array = strategy_array(request->strategy, request->row_bytes);
	struct rusage before = {0};
	uint64_t paused;
	bool walked;

	pin_thread(thread);
	team_rewind(thread);
	team_wait(team);
	if (thread->number == 0)
		begin_cold(measurement, &before);
	team_wait(team);

	paused = paused_ns(thread);
	hardware_counter_resume(&measurement->hardware);
	times->start_ns[PHASE_BUILD] = clock_now_ns();
	thread->status = strategy->build(&array, request->rows, &thread->source);
	times->end_ns[PHASE_BUILD] = clock_now_ns();
	hardware_counter_pause(&measurement->hardware);
	times->end_ns[PHASE_BUILD] -= paused_ns(thread) - paused;

	team_wait(team);
	if (thread->number == 0)
		note_after_build(measurement, &before);
	team_wait(team);

	times->start_ns[PHASE_SCAN] = clock_now_ns();
	walked = strategy->walk != NULL && thread->status == BUILD_OK;
	if (walked)
		strategy->walk(&array);
	else
		thread->checksum = strategy->scan(&array);
	times->end_ns[PHASE_SCAN] = clock_now_ns();
	if (walked)
		thread->checksum = strategy->scan(&array);

	team_wait(team);

	hardware_counter_resume(&measurement->hardware);
	times->start_ns[PHASE_RELEASE] = clock_now_ns();
	strategy->release(&array);
	times->end_ns[PHASE_RELEASE] = clock_now_ns();
	hardware_counter_pause(&measurement->hardware);

	team_wait(team);
	if (thread->number == 0)
		note_end(measurement, &before);
	return NULL;
}

static void collect_cold(struct measurement *measurement)
{
	for (int phase = 0; phase < PHASE_COUNT; phase++) {
		uint64_t start = UINT64_MAX;
		uint64_t end = 0;

		for (unsigned i = 0; i < measurement->team.request->threads; i++) {
			const struct times *times = measurement->team.threads[i].own;

			if (times->start_ns[phase] < start)
				start = times->start_ns[phase];
			if (times->end_ns[phase] > end)
				end = times->end_ns[phase];
		}
		measurement->result->cold_ns[phase] = end - start;
	}
}

/* One untimed lifecycle: brings the allocator into its steady state. */
static enum measure_status warm_up(struct measurement *measurement, struct error *error)
{
	const struct measure_request *request = measurement->team.request;

	/* Those that take turns wait for each other, and each value begins with one of theirs. */
	if (request->threads > 1 && request->strategy->takes_turns)
		return MEASURE_OK;
	for (unsigned i = 0; i < request->threads; i++)
		team_build(&measurement->team.threads[i]);
	return team_verdict(&measurement->team, "warm", error);
}

static const char warm_out_of_memory[] = "a warm build ran out of memory";

/* The timed body: build and release, again and again. */
static void build_and_release(struct bench_state *state, void *data)
{
	struct measurement *measurement = data;
	const struct measure_request *request = measurement->team.request;
	const struct strategy *strategy = request->strategy;
	const size_t rows = request->rows;
	struct team_thread *thread = &measurement->team.threads[bench_thread_index(state)];
	struct timings none = {0};
	struct timings *timings =
		thread->number == 0 && strategy->paused_ns == NULL ? &measurement->timings : &none;
	uint64_t paused;

	/* One failure is enough, and Google Benchmark 1.7 crashes on a first repetition that was
	 * skipped if two later ones were not. */
	if (thread->status != BUILD_OK) {
		bench_skip(state, warm_out_of_memory);
		return;
	}
	pin_thread(thread);
	/* Google Benchmark starts new threads for each value: what an allocator sets up for a
	 * thread is no part of the steady state. */
	if (request->threads > 1)
		team_build(thread);
	timings_begin_value(timings);
	paused = paused_ns(thread);
	hardware_counter_resume(&measurement->hardware);
	BENCH_LOOP(state) {
		struct array array = strategy_array(request->strategy, request->row_bytes);
		enum build_status status;

		timings_begin_build(timings);
		row_source_rewind(&thread->source);
		status = strategy->build(&array, rows, &thread->source);
		strategy->release(&array);
		timings_end_build(timings);
		if (status != BUILD_OK) {
			thread->status = status;
			bench_skip(state, warm_out_of_memory);
			break;
		}
	}
	hardware_counter_pause(&measurement->hardware);
	if (thread->number == 0 && measurement->values < MEASURE_MAX_VALUES)
		measurement->paused_ns[measurement->values++] = paused_ns(thread) - paused;
}

struct warm_collection {
	struct measurement *measurement;
	struct error *error;
	enum measure_status status;
};

static void collect_warm(const struct bench_result *value, void *data)
{
	struct warm_collection *collection = data;
	const struct measurement *measurement = collection->measurement;
	const struct measure_request *request = measurement->team.request;
	struct measure_result *result = measurement->result;

	if (value->error != NULL) {
		(void)error_set(collection->error, "%s", value->error);
		collection->status = MEASURE_OUT_OF_MEMORY;
	} else if (result->warm_values < MEASURE_MAX_VALUES) {
		/* Google Benchmark divides by the iterations of all threads together. */
		result->warm_ns[result->warm_values] =
			value->real_ns * request->threads -
			(double)measurement->paused_ns[result->warm_values] /
				(double)request->iterations;
		result->warm_values++;
	}
}

static struct bench_spec warm_benchmark(struct measurement *measurement)
{
	const struct measure_request *request = measurement->team.request;

	return (struct bench_spec){
		.name = request->strategy->name,
		.function = build_and_release,
		.user_data = measurement,
		.iterations = request->iterations,
		.repetitions = request->values,
		.threads = request->threads,
	};
}

static enum measure_status run_warm(struct measurement *measurement, struct error *error)
{
	const struct measure_request *request = measurement->team.request;
	const struct bench_spec spec = warm_benchmark(measurement);
	struct warm_collection collection = {measurement, error, MEASURE_OK};
	enum measure_status status = MEASURE_OK;
	struct rusage before;
	struct rusage after;
	const char *why;

	if (request->values > 1 ||
	    measurement->result->cold_ns[PHASE_BUILD] <= MEASURE_LONGEST_WARM_UP_NS)
		status = warm_up(measurement, error);
	if (status != MEASURE_OK)
		return status;
	/* Without memory for it there are no timings. */
	(void)timings_prepare(&measurement->timings, request->iterations, request->values,
			      timings_clock_ns());
	partner_wait_until(partner_meet(WARM_MARGIN_NS));
	(void)getrusage(RUSAGE_SELF, &before);
	why = bench_run(&spec, collect_warm, &collection);
	if (why != NULL) {
		(void)error_set(error, "Google Benchmark did not run: %s", why);
		return MEASURE_FAILED;
	}
	(void)getrusage(RUSAGE_SELF, &after);
	take_hardware_warm(measurement, (double)request->iterations * request->values);
	measurement->result->warm_minor_faults = (double)(after.ru_minflt - before.ru_minflt) /
						 ((double)request->iterations * request->values);
	timings_end(&measurement->timings, measurement->result->warm_ns,
		    measurement->result->warm_values);
	timings_sort(&measurement->timings);
	measurement->result->timings = measurement->timings;
	return collection.status;
}

/* What is read again and again. */
struct warm_scan {
	const struct strategy *strategy;
	struct array array;
	uint64_t checksum;
};

static void read_all(struct warm_scan *scan, uint64_t count)
{
	while (count-- > 0) {
		if (scan->strategy->walk != NULL)
			scan->strategy->walk(&scan->array);
		else
			scan->checksum = scan->strategy->scan(&scan->array);
		bench_do_not_optimize(scan); /* nor find that all readings are one */
	}
}

/* A value is the mean of as many readings as take a millisecond, by the second of them; and there
 * are as many values as of the warm part, as far as they fit into the time that it may take as
 * well. */
static enum measure_status scan_warm(struct measurement *measurement, struct error *error)
{
	const double value_ns = 1e6;
	const double most_ns = 60e6;
	const struct measure_request *request = measurement->team.request;
	struct measure_result *result = measurement->result;
	struct team_thread *thread = &measurement->team.threads[0];
	struct warm_scan scan = {.strategy = request->strategy,
				 .array = strategy_array(request->strategy, request->row_bytes)};
	enum build_status status;
	uint64_t start;
	uint64_t one_ns;
	uint64_t count;

	team_rewind(thread);
	status = request->strategy->build(&scan.array, request->rows, &thread->source);
	if (status != BUILD_OK) {
		request->strategy->release(&scan.array);
		(void)error_set(error, warm_out_of_memory);
		return MEASURE_OUT_OF_MEMORY;
	}
	if (request->strategy->scan(&scan.array) != measurement->team.expected_checksum) {
		request->strategy->release(&scan.array);
		(void)error_set(error, "what is read again and again is not what it should be");
		return MEASURE_WRONG_CHECKSUM;
	}
	read_all(&scan, 1);
	start = clock_now_ns();
	read_all(&scan, 1);
	one_ns = clock_now_ns() - start + 1;
	count = (uint64_t)(value_ns / (double)one_ns) + 1;
	for (unsigned i = 0; i < request->values; i++) {
		if (i > 0 && (double)(i + 1) * (double)count * (double)one_ns > most_ns)
			break;
		start = clock_now_ns();
		read_all(&scan, count);
		result->warm_scan_ns[result->warm_scan_values++] =
			(double)(clock_now_ns() - start) / (double)count;
	}
	request->strategy->release(&scan.array);
	return MEASURE_OK;
}

enum measure_status measure(const struct measure_request *request, struct measure_result *result,
			    struct error *error)
{
	struct measurement measurement = {.result = result};
	struct team *team = &measurement.team;
	enum measure_status status;
	struct rusage before;
	struct rusage usage;

	memset(result, 0, sizeof *result);
	memory_map_program();
	open_huge_counters(&measurement);
	(void)getrusage(RUSAGE_SELF, &before);
	if (!team_prepare(team, request, &measurement, sizeof(struct times), error))
		return MEASURE_FAILED;
	open_hardware(&measurement);
	if (!team_run(team, run_cold, error))
		return MEASURE_FAILED;
	take_hardware_cold(&measurement);
	collect_cold(&measurement);
	status = team_verdict(team, "cold", error);
	result->checksum = team->threads[0].checksum;
	if (status == MEASURE_OK && request->iterations > 0)
		status = run_warm(&measurement, error);
	if (status == MEASURE_OK && request->iterations > 0 && request->scan_warm &&
	    request->threads == 1)
		status = scan_warm(&measurement, error);
	team_dispose(team);
	result->why_no_hardware = measurement.hardware.why_not;
	hardware_counter_close(&measurement.hardware);
	huge_counters_close(&measurement.huge_counters);
	(void)getrusage(RUSAGE_SELF, &usage);
	result->involuntary_switches = (uint64_t)(usage.ru_nivcsw - before.ru_nivcsw);
	return status;
}

bool measure_benchmark(const struct measure_request *request, struct bench_spec *spec,
		       struct error *error)
{
	struct measure_request *own_request = memory_map(sizeof *own_request);
	struct measurement *measurement = memory_map(sizeof *measurement);

	if (own_request == NULL || measurement == NULL)
		return error_set(error, "no memory to register %s", request->strategy->name);
	*own_request = *request;
	if (!team_prepare(&measurement->team, own_request, measurement, sizeof(struct times),
			  error))
		return false;
	measurement->hardware.fd = -1;
	*spec = warm_benchmark(measurement);
	return true;
}
