"""Summarise a run: what each cell took and why, single appends, and what the machine can do."""

from pathlib import Path
from typing import Optional, Sequence

from growbench.command_line import packages

with packages.imports():
    from growbench.analysis import analyse, attribution, limits, reliance, run_doubts
    from growbench.analysis.instructions import counts_text
    from growbench.command_line import entry
    from growbench.command_line import runs as chosen_run
    from growbench.data import description, files, load

EXAMPLES = """\
  growbench summarise results/my-run
  growbench summarise results/my-run/runs.csv
"""


def main(arguments: Sequence[str]) -> None:
    parser = entry.parser(
        __name__,
        "Write summary.csv, attribution.csv, latency.csv, instructions.csv, limits.csv and "
        "patterns.csv next to the runs.csv of a run; each but the first only if the run has what "
        "it is made of.",
        EXAMPLES,
    )
    chosen_run.add_argument(parser)
    options = parser.parse_args(arguments)
    chosen_run.given(options)
    runs = load.read_runs(options.run)
    path = load.runs_path(options.run)
    tables = analyse.analyse(runs, load.read_timeline(options.run, runs))
    files.write_csv(tables.summary, path.with_name("summary.csv"))
    entry.tell(f"{path.with_name('summary.csv')}: {len(tables.summary)} cells of {len(runs)} rows")
    if (tables.summary["ok_count"] > 0).any():
        entry.tell(reliance.in_words(tables.summary))
    for line in reliance.of_run_in_words(run_doubts.run_doubts(runs, machine_of(path))):
        entry.tell(line)
    for name, in_words in (
        ("limits", limits.drift_text),
        ("attribution", lambda table: attribution.explained(table).text()),
        ("latency", None),
        ("instructions", counts_text),
        ("patterns", None),
    ):
        table = getattr(tables, name)
        # A run of the measure pass alone has nothing to say of why.
        if table.empty or (name == "attribution" and tables.limits.empty):
            continue
        files.write_csv(table, path.with_name(f"{name}.csv"))
        text = in_words(table) if in_words else f"{len(table)} cells"
        entry.tell(f"{path.with_name(f'{name}.csv')}: {text}")


def machine_of(path: Path) -> Optional[dict]:
    """What machine.json beside that runs.csv says; None where there is none."""
    there = path.with_name("machine.json").is_file()
    return description.read_machine(path) if there else None
