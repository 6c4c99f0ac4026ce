#include "harness/worker/passes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "harness/common/median.h"
#include "harness/worker/instructions.h"
#include "harness/worker/latency.h"
#include "harness/worker/measure.h"
#include "harness/worker/memory.h"
#include "harness/worker/traced.h"

static const char *const status_names[] = {
	[MEASURE_OK] = "ok",
	[MEASURE_OUT_OF_MEMORY] = "out_of_memory",
	[MEASURE_WRONG_CHECKSUM] = "wrong_checksum",
	[MEASURE_FAILED] = "failed",
};

static void report_timings(struct report *report, const struct timings *timings)
{
	static const struct {
		const char *column;
		double share;
	} quantiles[] = {
		{"warm_build_release_p5_ns", 0.05},  {"warm_build_release_p25_ns", 0.25},
		{"warm_build_release_p50_ns", 0.50}, {"warm_build_release_p75_ns", 0.75},
		{"warm_build_release_p95_ns", 0.95}, {"warm_build_release_p99_ns", 0.99},
	};

	if (timings->count == 0)
		return;
	report_count(report, "warm_timing_count", timings->count);
	report_count(report, "warm_timing_build_count", timings->batch);
	for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++)
		report_real(report, quantiles[i].column,
			    timings_quantile(timings, quantiles[i].share));
}

static void report_warm(struct report *report, const struct measure_request *request,
			struct measure_result *result)
{
	unsigned count = result->warm_values;
	double *values = result->warm_ns;

	if (count == 0)
		return;
	report_count(report, "warm_iteration_count", request->iterations);
	report_count(report, "warm_value_count", count);
	report_real(report, "warm_build_release_median_ns", median(values, count)); /* sorts them */
	report_real(report, "warm_build_release_min_ns", values[0]);
	report_real(report, "warm_build_release_max_ns", values[count - 1]);
	report_real(report, "warm_minor_fault_count", result->warm_minor_faults);
	report_timings(report, &result->timings);
}

static void report_checksum(struct report *report, uint64_t checksum)
{
	char text[19];

	(void)snprintf(text, sizeof text, "0x%016" PRIx64, checksum);
	report_text(report, "checksum", text);
}

/* Nothing of our own stands between the compiled programs and malloc, and they have no interpreter.
 */
static void report_language(const struct worker_request *request, struct report *report)
{
	const struct worker_program *program = request->program;

	if (program->implementation_version != NULL)
		report_text(report, "implementation_version", program->implementation_version);
	if (program->layers_before_malloc != NULL)
		report_text(report, "layers_before_malloc", program->layers_before_malloc);
}

static void report_interpreter(const struct worker_request *request, struct report *report)
{
	const struct measure_request *measure = &request->measure;
	double ns = -1;

	if (request->program->interpreter_ns != NULL)
		ns = request->program->interpreter_ns(measure->strategy, measure->rows,
						      measure->row_bytes);
	if (ns >= 0)
		report_real(report, "interpreter_ns", ns);
}

static void report_warm_scan(struct report *report, struct measure_result *result)
{
	unsigned count = result->warm_scan_values;

	if (count == 0)
		return;
	report_count(report, "warm_scan_value_count", count);
	report_real(report, "warm_scan_median_ns", median(result->warm_scan_ns, count)); /* sorts */
	report_real(report, "warm_scan_min_ns", result->warm_scan_ns[0]);
}

static void report_huge_faults(struct report *report, const struct measure_result *result)
{
	if (!result->huge_faults_known) {
		report_text(report, "huge_fault_unknown_reason", result->why_no_huge_faults.text);
		return;
	}
	report_count(report, "cold_build_huge_fault_count", result->cold_build_huge_faults.count);
	report_count(report, "cold_build_huge_fault_bytes", result->cold_build_huge_faults.bytes);
}

static void report_hardware(struct report *report, const struct measure_result *result)
{
	if (result->cold_hardware_instructions > 0)
		report_count(report, "cold_hardware_instruction_count",
			     result->cold_hardware_instructions);
	if (result->warm_hardware_instructions > 0)
		report_real(report, "warm_hardware_instruction_count",
			    result->warm_hardware_instructions);
	if (result->why_no_hardware.text[0] != '\0')
		report_text(report, "hardware_uncounted_reason", result->why_no_hardware.text);
}

static const char *measure_pass(const struct worker_request *request, struct report *report,
				struct error *error)
{
	static struct measure_result result;
	enum measure_status status = measure(&request->measure, &result, error);

	if (status != MEASURE_OK)
		return status_names[status];
	report_language(request, report);
	report_count(report, "cold_build_ns", result.cold_ns[PHASE_BUILD]);
	report_count(report, "cold_scan_ns", result.cold_ns[PHASE_SCAN]);
	report_count(report, "cold_release_ns", result.cold_ns[PHASE_RELEASE]);
	report_count(report, "cold_build_minor_fault_count", result.cold_build_minor_faults);
	report_count(report, "cold_build_major_fault_count", result.cold_build_major_faults);
	report_count(report, "cold_user_ns", result.cold_user_ns);
	report_count(report, "cold_system_ns", result.cold_system_ns);
	if (result.touch_page_ns > 0)
		report_real(report, "touch_page_ns", result.touch_page_ns);
	if (result.peak_known) {
		uint64_t before = result.rss_before_bytes;
		uint64_t peak = result.peak_rss_bytes;

		report_count(report, "rss_before_bytes", before);
		report_count(report, "peak_rss_bytes", peak);
		report_count(report, "peak_memory_bytes", peak > before ? peak - before : 0);
	} else {
		report_text(report, "no_peak_reason", memory_why_not());
	}
	report_huge_faults(report, &result);
	report_interpreter(request, report);
	report_warm(report, &request->measure, &result);
	report_warm_scan(report, &result);
	report_count(report, "involuntary_switch_count", result.involuntary_switches);
	report_hardware(report, &result);
	report_checksum(report, result.checksum);
	return "ok";
}

static void report_system_calls(struct report *report, const struct trace_counts *build,
				const struct trace_counts *release)
{
	const struct trace_system_calls *calls = &build->allocator;

	report_count(report, "realloc_remapped_count", build->realloc_remapped_count);
	report_count(report, "realloc_remapped_bytes", build->realloc_remapped_bytes);
	report_count(report, "realloc_reused_count", build->realloc_reused_count);
	report_count(report, "realloc_reused_bytes", build->realloc_reused_bytes);
	report_count(report, "allocator_mmap_count", calls->mmap_count);
	report_count(report, "allocator_munmap_count", calls->munmap_count);
	report_count(report, "allocator_mremap_count", calls->mremap_count);
	report_count(report, "allocator_brk_count", calls->brk_count);
	report_count(report, "allocator_madvise_count", calls->madvise_count);
	report_count(report, "allocator_mprotect_count", calls->mprotect_count);
	report_count(report, "allocator_mapped_bytes", calls->mapped_bytes);
	report_count(report, "allocator_unmapped_bytes", calls->unmapped_bytes);
	report_count(report, "strategy_mmap_count", build->program.mmap_count);
	report_count(report, "strategy_mprotect_count", build->program.mprotect_count);
	report_count(report, "release_unmapped_bytes",
		     release->allocator.unmapped_bytes + release->program.unmapped_bytes);
}

static void report_trace(struct report *report, const struct traced_result *result)
{
	const struct trace_counts *build = &result->build;
	uint64_t copied = result->strategy_copied_bytes + build->realloc_moved_bytes;

	report_count(report, "malloc_count", build->malloc_count);
	report_count(report, "calloc_count", build->calloc_count);
	report_count(report, "realloc_count", build->realloc_count);
	report_count(report, "free_count", build->free_count);
	report_count(report, "aligned_count", build->aligned_count);
	report_count(report, "realloc_in_place_count", build->realloc_in_place_count);
	report_count(report, "realloc_moved_count", build->realloc_moved_count);
	report_count(report, "realloc_shrunk_count", build->realloc_shrunk_count);
	report_count(report, "realloc_failed_count", build->realloc_failed_count);
	report_count(report, "realloc_moved_bytes", build->realloc_moved_bytes);
	report_count(report, "strategy_copied_bytes", result->strategy_copied_bytes);
	if (build->system_calls_seen) {
		report_count(report, "copied_bytes", copied - build->realloc_remapped_bytes);
		report_system_calls(report, build, &result->release);
	} else if (build->realloc_moved_count == 0) {
		report_count(report, "copied_bytes", copied);
	}
	report_count(report, "peak_requested_bytes", result->at_end.peak_requested_bytes);
	report_count(report, "peak_moving_bytes", result->at_end.peak_moving_bytes);
	report_count(report, "peak_usable_bytes", result->at_end.peak_usable_bytes);
	report_count(report, "end_requested_bytes", result->at_end.requested_bytes);
	report_count(report, "end_usable_bytes", result->at_end.usable_bytes);
	report_count(report, "leaked_bytes", result->leaked_bytes);
	report_count(report, "scan_call_count", result->scan_calls);
	report_count(report, "release_free_count", result->release.free_count);
	report_count(report, "thread_call_min_count", result->thread_calls_min);
	report_count(report, "thread_call_max_count", result->thread_calls_max);
	report_count(report, "traced_build_release_ns", result->build_release_ns);
	if (result->untraced_reason != NULL)
		report_text(report, "untraced_reason", result->untraced_reason);
	report_checksum(report, result->checksum);
}

static const char *trace_pass(const struct worker_request *request, struct report *report,
			      struct error *error)
{
	static struct traced_result result;
	enum measure_status status;

	/* A timeline needs appends one by one. */
	result.points_wanted =
		request->measure.strategy->append == NULL ? 0 : (unsigned)request->points;
	status = traced(&request->measure, &result, error);
	if (status != MEASURE_OK)
		return status_names[status];
	report_language(request, report);
	report_trace(report, &result);
	for (unsigned i = 0; i < result.point_count; i++) {
		const struct traced_point *point = &result.points[i];

		report_point(report, point->rows, point->live_bytes, point->live_peak_bytes,
			     point->resident_bytes);
	}
	return "ok";
}

static const char *latency_pass(const struct worker_request *request, struct report *report,
				struct error *error)
{
	static struct latency_result result;
	enum measure_status status;

	if (request->measure.strategy->append == NULL) {
		(void)error_set(error, "%s has no single appends to time",
				request->measure.strategy->name);
		return "failed";
	}
	status = latency(&request->measure, &result, error);
	if (status != MEASURE_OK)
		return status_names[status];
	report_count(report, "latency_append_count", result.append_count);
	report_real(report, "latency_timer_ns", result.timer_ns);
	report_count(report, "latency_median_ns", result.median_ns);
	report_count(report, "latency_p90_ns", result.p90_ns);
	report_count(report, "latency_p99_ns", result.p99_ns);
	if (result.p99_9_known)
		report_count(report, "latency_p99_9_ns", result.p99_9_ns);
	if (result.p99_99_known)
		report_count(report, "latency_p99_99_ns", result.p99_99_ns);
	report_count(report, "latency_max_ns", result.max_ns);
	report_count(report, "latency_total_ns", result.total_ns);
	report_real(report, "latency_slowest_share", result.slowest_share);
	report_real(report, "latency_error_share", result.error_share);
	report_count(report, "involuntary_switch_count", result.involuntary_switches);
	report_checksum(report, result.checksum);
	return "ok";
}

static const char *instructions_pass(const struct worker_request *request, struct report *report,
				     struct error *error)
{
	uint64_t checksum;
	const enum measure_status status = instructions(&request->measure, &checksum, error);

	if (status != MEASURE_OK)
		return status_names[status];
	report_language(request, report);
	report_checksum(report, checksum);
	return "ok";
}

static const char *probe_pass(const struct worker_request *request, struct report *report,
			      struct error *error)
{
	struct probe_result result;

	if (request->probe == NULL) {
		(void)error_set(error, "--probe is needed; see --help");
		return "failed";
	}
	switch (probe_run(request->probe, request->measure.row_bytes, &result, error)) {
	case PROBE_UNAVAILABLE:
		return "unprobed";
	case PROBE_FAILED:
		return "failed";
	case PROBE_OK:
		break;
	}
	report_real(report, "probe_ns", result.probe_ns);
	report_real(report, "probe_min_ns", result.min_ns);
	report_count(report, "probe_value_count", result.value_count);
	return "ok";
}

static const char *resolution_pass(const struct worker_request *request, struct report *report,
				   struct error *error)
{
	uint64_t resolution;

	(void)request;
	if (!memory_resolution(&resolution)) {
		(void)error_set(error, "%s", memory_why_not());
		return "ok";
	}
	report_count(report, "peak_resolution_bytes", resolution);
	return "ok";
}

static const char *peak_pass(const struct worker_request *request, struct report *report, bool over,
			     struct error *error)
{
	uint64_t peak;

	if (!memory_peak_of_mapping(request->measure.rows * request->measure.row_bytes, over,
				    &peak)) {
		(void)error_set(error, "%s", memory_why_not());
		return "failed";
	}
	report_count(report, "peak_memory_bytes", peak);
	return "ok";
}

static const char *peak_lasts_pass(const struct worker_request *request, struct report *report,
				   struct error *error)
{
	return peak_pass(request, report, false, error);
}

static const char *peak_over_pass(const struct worker_request *request, struct report *report,
				  struct error *error)
{
	return peak_pass(request, report, true, error);
}

/* What there is to build: a line for each, then which passes can be asked for. */
static const char *list_pass(const struct worker_request *request, struct report *report,
			     struct error *error)
{
	static const char *const kinds[] = {
		[GROWTH_LINEAR] = "linear",
		[GROWTH_QUADRATIC] = "quadratic",
	};
	const struct worker_program *program = request->program;
	struct strategy_instance usual;
	bool appends = false;

	report_language(request, report);
	for (size_t t = 0; t < WORKER_TABLES && program->tables[t] != NULL; t++)
		for (size_t i = 0; program->tables[t][i] != NULL; i++) {
			const struct strategy *strategy = program->tables[t][i];

			if (request->implementation != NULL &&
			    strcmp(request->implementation, strategy->implementation) != 0)
				continue;
			appends |= strategy->append != NULL;
			if (strategy->parameter != NULL)
				strategy_of_value(strategy, strategy->value, &usual);
			report_strategy(report,
					strategy->parameter == NULL ? strategy->name : usual.name,
					strategy->is_pattern ? "pattern" : kinds[strategy->order],
					strategy->help);
		}
	report_passes(report, appends ? "measure trace latency pattern" : "measure trace pattern");
	if (program->missing == NULL)
		return "ok";
	(void)error_set(error, "%s", program->missing);
	return "unavailable";
}

const struct worker_pass worker_passes[] = {
	{"measure", measure_pass, true, false},
	{"pattern", measure_pass, true, true},
	{"trace", trace_pass, true, false},
	{"latency", latency_pass, true, false},
	{"instructions", instructions_pass, true, false},
	{"probe", probe_pass, false, false},
	{"list", list_pass, false, false},
	{"resolution", resolution_pass, false, false},
	{"peak-lasts", peak_lasts_pass, false, false},
	{"peak-over", peak_over_pass, false, false},
	{NULL, NULL, false, false},
};
