"""What can become of a row: harness/common/statuses.def says what each status is."""

from growbench.data.schema import rows

_ROWS = rows("statuses.def", "STATUS")
# In words, by name.
STATUSES = {name: meaning for name, _, _, meaning in _ROWS}
# Each belongs to one of three classes, the third of which is that of doubts; ok is the one without.
FAILURE, SKIP = "failure", "skip"
CLASSES = {name: {"FAILURE": FAILURE, "MEASURED": ""}.get(kind, SKIP) for name, kind, _, _ in _ROWS}
# Only these rows carry figures.
OK = "ok"
UNAVAILABLE = "unavailable"
SKIPPED_PREDICTED = "skipped_predicted"
SKIPPED_ROUNDS = "skipped_rounds"
SKIPPED_BUDGET = "skipped_budget"
# What there is by plan, or for want of something: all others are failures, those too that only a
# later version knows.
NO_FAILURES = frozenset(name for name, of in CLASSES.items() if of != FAILURE)
