"""The columns of runs.csv that this package reads: name, type, and which may be empty.

The harness's table in harness/common/columns.c is where the columns are defined, and
results/README.md is where they are explained. This copy lets the scripts work from a CSV file
alone; a test compares it with both.
"""

from typing import NamedTuple

SCHEMA_VERSION = 1

TEXT = "text"
COUNT = "count"
REAL = "real"
REQUIRED = True


class Column(NamedTuple):
    """One column of runs.csv.

    type: TEXT, COUNT (a whole number >= 0) or REAL (a finite number >= 0).
    required: a value stands in every row, whatever became of the worker.
    """

    name: str
    type: str
    required: bool = False


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
    Column("steal_ns", COUNT),
    Column("peak_resolution_bytes", COUNT),
    Column("allocator_path", TEXT),
    Column("allocator_version", TEXT),
    Column("allocator_build_id", TEXT),
    Column("cold_build_ns", COUNT),
    Column("cold_scan_ns", COUNT),
    Column("cold_release_ns", COUNT),
    Column("cold_build_minor_fault_count", COUNT),
    Column("cold_build_major_fault_count", COUNT),
    Column("cold_user_ns", COUNT),
    Column("cold_system_ns", COUNT),
    Column("rss_before_bytes", COUNT),
    Column("peak_rss_bytes", COUNT),
    Column("peak_memory_bytes", COUNT),
    Column("warm_iteration_count", COUNT),
    Column("warm_value_count", COUNT),
    Column("warm_build_release_median_ns", REAL),
    Column("warm_build_release_min_ns", REAL),
    Column("warm_build_release_max_ns", REAL),
    Column("warm_minor_fault_count", REAL),
    Column("involuntary_switch_count", COUNT),
    Column("checksum", TEXT),
)

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

# What can become of a worker; only rows that are OK carry figures.
OK = "ok"
SKIPPED_PREDICTED = "skipped_predicted"
STATUSES = {
    OK: "measured",
    SKIPPED_PREDICTED: "too slow for the time budget: predicted from smaller sizes or one look",
    "skipped_memory": "would not fit in the memory that is free",
    "unavailable": "the allocator's library is missing or was refused",
    "wrong_allocator": "another library than the one asked for supplied malloc",
    "crashed": "the worker was ended by a signal",
    "exited": "the worker ended with an exit status other than 0",
    "timeout": "the worker outlived its time limit and was stopped",
    "bad_report": "the worker's report was cut off or made no sense",
    "wrong_checksum": "the array did not hold the rows that it should",
    "out_of_memory": "an allocation failed, and the strategy said so",
    "failed": "the worker lacked something for itself, such as a thread",
    "not_started": "the worker's process could not be started",
}
