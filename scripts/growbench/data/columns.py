"""The columns of a run's files that this package reads: name, type, and which may be empty.

The harness's table in harness/common/columns.c is where the columns are defined, and
results/README.md is where they are explained. This copy lets the scripts work from a CSV file
alone; a test compares it with both.
"""

from typing import NamedTuple

# Files of older versions are read too: the columns that they lack are missing everywhere.
OLDEST_SCHEMA_VERSION = 1
SCHEMA_VERSION = 4

TEXT = "text"
COUNT = "count"
REAL = "real"
REQUIRED = True


class Column(NamedTuple):
    """One column of a file.

    type: TEXT, COUNT (a whole number >= 0) or REAL (a finite number >= 0).
    required: a value stands in every row, whatever became of the worker.
    since: the schema version that brought it.
    """

    name: str
    type: str
    required: bool = False
    since: int = 1


COLUMNS = (
    Column("schema_version", COUNT, REQUIRED),
    Column("run_id", TEXT, REQUIRED),
    Column("machine_id", TEXT, REQUIRED),
    Column("round", COUNT, REQUIRED),
    Column("position", COUNT, REQUIRED),
    Column("pass", TEXT, REQUIRED),
    Column("implementation", TEXT, REQUIRED),
    Column("strategy", TEXT, REQUIRED),
    Column("allocator", TEXT, REQUIRED),
    Column("rows", COUNT, REQUIRED),
    Column("row_bytes", COUNT, REQUIRED),
    Column("threads", COUNT, REQUIRED),
    Column("work", TEXT, REQUIRED),
    Column("payload_bytes", COUNT, REQUIRED),
    Column("status", TEXT, REQUIRED),
    Column("status_detail", TEXT),
    Column("predicted_cold_build_release_ns", REAL),
    Column("predicted_warm_build_release_ns", REAL),
    Column("started_utc", TEXT),
    Column("worker_ns", COUNT),
    Column("cpu", COUNT),
    Column("cpu_count", COUNT, since=2),
    Column("steal_ns", COUNT),
    Column("throttled_ns", COUNT, since=4),
    Column("peak_resolution_bytes", COUNT),
    Column("page_bytes", COUNT, since=4),
    Column("allocator_path", TEXT),
    Column("allocator_version", TEXT),
    Column("allocator_build_id", TEXT),
    Column("implementation_version", TEXT, since=3),
    Column("layers_before_malloc", TEXT, since=3),
    Column("cold_build_ns", COUNT),
    Column("cold_scan_ns", COUNT),
    Column("cold_release_ns", COUNT),
    Column("cold_build_minor_fault_count", COUNT),
    Column("cold_build_major_fault_count", COUNT),
    Column("cold_user_ns", COUNT),
    Column("cold_system_ns", COUNT),
    Column("touch_page_ns", REAL),
    Column("interpreter_ns", REAL, since=3),
    Column("rss_before_bytes", COUNT),
    Column("peak_rss_bytes", COUNT),
    Column("peak_memory_bytes", COUNT),
    Column("no_peak_reason", TEXT, since=4),
    Column("cold_build_huge_fault_count", COUNT, since=4),
    Column("cold_build_huge_fault_bytes", COUNT, since=4),
    Column("huge_fault_unknown_reason", TEXT, since=4),
    Column("warm_iteration_count", COUNT),
    Column("warm_value_count", COUNT),
    Column("warm_build_release_median_ns", REAL),
    Column("warm_build_release_min_ns", REAL),
    Column("warm_build_release_max_ns", REAL),
    Column("warm_minor_fault_count", REAL),
    Column("warm_scan_value_count", COUNT, since=3),
    Column("warm_scan_median_ns", REAL, since=3),
    Column("warm_scan_min_ns", REAL, since=3),
    Column("involuntary_switch_count", COUNT),
    Column("checksum", TEXT),
    Column("malloc_count", COUNT, since=2),
    Column("calloc_count", COUNT, since=2),
    Column("realloc_count", COUNT, since=2),
    Column("free_count", COUNT, since=2),
    Column("aligned_count", COUNT, since=2),
    Column("realloc_in_place_count", COUNT, since=2),
    Column("realloc_moved_count", COUNT, since=2),
    Column("realloc_remapped_count", COUNT, since=2),
    Column("realloc_shrunk_count", COUNT, since=2),
    Column("realloc_failed_count", COUNT, since=2),
    Column("realloc_moved_bytes", COUNT, since=2),
    Column("realloc_remapped_bytes", COUNT, since=2),
    Column("strategy_copied_bytes", COUNT, since=2),
    Column("copied_bytes", COUNT, since=2),
    Column("peak_requested_bytes", COUNT, since=2),
    Column("peak_moving_bytes", COUNT, since=2),
    Column("peak_usable_bytes", COUNT, since=2),
    Column("end_requested_bytes", COUNT, since=2),
    Column("end_usable_bytes", COUNT, since=2),
    Column("leaked_bytes", COUNT, since=2),
    Column("allocator_mmap_count", COUNT, since=2),
    Column("allocator_munmap_count", COUNT, since=2),
    Column("allocator_mremap_count", COUNT, since=2),
    Column("allocator_brk_count", COUNT, since=2),
    Column("allocator_madvise_count", COUNT, since=2),
    Column("allocator_mprotect_count", COUNT, since=2),
    Column("allocator_mapped_bytes", COUNT, since=2),
    Column("allocator_unmapped_bytes", COUNT, since=2),
    Column("strategy_mmap_count", COUNT, since=2),
    Column("strategy_mprotect_count", COUNT, since=2),
    Column("scan_call_count", COUNT, since=2),
    Column("release_free_count", COUNT, since=2),
    Column("release_unmapped_bytes", COUNT, since=2),
    Column("thread_call_min_count", COUNT, since=2),
    Column("thread_call_max_count", COUNT, since=2),
    Column("traced_build_release_ns", COUNT, since=2),
    Column("untraced_reason", TEXT, since=2),
    Column("latency_append_count", COUNT, since=2),
    Column("latency_timer_ns", REAL, since=2),
    Column("latency_median_ns", REAL, since=2),
    Column("latency_p90_ns", REAL, since=2),
    Column("latency_p99_ns", REAL, since=2),
    Column("latency_p99_9_ns", REAL, since=2),
    Column("latency_p99_99_ns", REAL, since=2),
    Column("latency_max_ns", COUNT, since=2),
    Column("latency_total_ns", COUNT, since=2),
    Column("latency_slowest_share", REAL, since=2),
    Column("latency_error_share", REAL, since=2),
    Column("probe_ns", REAL, since=2),
    Column("probe_min_ns", REAL, since=2),
    Column("probe_value_count", COUNT, since=2),
)

# timeline.csv, beside runs.csv: memory against rows appended, from the trace pass.
TIMELINE_COLUMNS = (
    Column("position", COUNT, REQUIRED),
    Column("implementation", TEXT, REQUIRED),
    Column("strategy", TEXT, REQUIRED),
    Column("allocator", TEXT, REQUIRED),
    Column("rows", COUNT, REQUIRED),
    Column("row_bytes", COUNT, REQUIRED),
    Column("rows_appended", COUNT, REQUIRED),
    Column("live_bytes", COUNT),
    Column("live_peak_bytes", COUNT),
    Column("resident_bytes", COUNT),
)

# What a worker can be asked for.
MEASURE, TRACE, LATENCY, PROBE = "measure", "trace", "latency", "probe"
PATTERN = "pattern"

# A cell, with the pass and the kind of work: rows that agree in all of these repeat each other.
CELL_KEYS = (
    "implementation",
    "strategy",
    "allocator",
    "rows",
    "row_bytes",
    "threads",
    "work",
    "pass",
)
# What cells of one figure, and of one table of the article, share.
SLICE_KEYS = ("row_bytes", "threads", "work")

# What a cell is in every file that has one row for each: without the pass.
CELL = CELL_KEYS[:-1]

# What every table of a run has: which run, which cell and round, and what became of the worker.
IDENTIFYING = ("schema_version", "run_id", "machine_id", "round", *CELL_KEYS, "status")

# What can become of a worker; only rows that are OK carry figures.
OK = "ok"
SKIPPED_PREDICTED = "skipped_predicted"
SKIPPED_ROUNDS = "skipped_rounds"
STATUSES = {
    OK: "measured",
    SKIPPED_PREDICTED: "too slow for the time budget: predicted from smaller sizes or one look",
    SKIPPED_ROUNDS: "a slow cell, measured in some of the rounds only, and not in this one",
    "skipped_memory": "would not fit in the memory that is free",
    "unavailable": "the allocator's library or the implementation is missing or was refused",
    "unsupported": "this implementation is not compiled for rows of that size",
    "untraced": "the interposer could not be put in front of this allocator",
    "unprobed": "this machine does not offer what was to be probed",
    "wrong_allocator": "another library than the one asked for supplied malloc",
    "oom_killed": "the kernel killed the worker for want of memory",
    "crashed": "the worker was ended by another signal",
    "exited": "the worker ended with an exit status other than 0",
    "timeout": "the worker outlived its time limit and was stopped",
    "bad_report": "the worker's report was cut off or made no sense",
    "wrong_checksum": "the array did not hold the rows that it should",
    "out_of_memory": "an allocation failed, and the strategy said so",
    "failed": "the worker lacked something for itself, such as a thread",
    "not_started": "the worker's process could not be started",
}
