"""The columns of a run's files: name, type, and which may be empty.

Those of runs.csv are read from harness/common/columns.def; results/README.md explains them.
"""

from typing import NamedTuple

from growbench.data.schema import rows

# Files of older versions are read too: the columns that they lack are missing everywhere.
OLDEST_SCHEMA_VERSION = 1
[(_VERSION,)] = rows("columns.def", "SCHEMA")
SCHEMA_VERSION = int(_VERSION)

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


COLUMNS = tuple(
    Column(name, type.lower(), presence == "ALWAYS", int(since))
    for name, type, _, presence, since, _ in rows("columns.def", "COLUMN")
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
PATTERN, INSTRUCTIONS = "pattern", "instructions"

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
