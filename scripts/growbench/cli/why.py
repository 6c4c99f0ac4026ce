"""Say why cells take the time that they take: reallocs, copies, pages, and their shares."""

from typing import Sequence

from growbench.data.errors import UsageError
from growbench.command_line import packages

with packages.imports():
    import pandas

    from growbench.analysis import analyse, attribution, instructions, why
    from growbench.command_line import choice, entry
    from growbench.command_line import runs as chosen_run
    from growbench.data import description, load
    from growbench.tables import formats

EXAMPLES = """\
  growbench why results/my-run
  growbench why results/my-run --strategy loop_and_append --rows 10000
  growbench why results/my-run --strategy realloc_doubling --allocator glibc jemalloc
  growbench why results/always results/madvise results/never --explained

Without a choice of cells: how much of the measured times the model explains, and where it is
furthest off. With one: each of these cells, in words. With --explained: of how many cells of each
run it explains enough, by allocator; exit status 1 if these are too few in one of the runs.
"""
WORST = 10
MISSED = 1


def main(arguments: Sequence[str]) -> int:
    parser = entry.parser(__name__, "Say where the time of cold builds goes, and why.", EXAMPLES)
    chosen_run.add_argument(parser, several=True)
    parser.add_argument(
        "--explained",
        action="store_true",
        help="only how many cells are explained, of one run or several; exit status 1 if fewer "
        f"than {100 * attribution.EXPLAINED_GOAL:.0f} %% are",
    )
    choice.add_arguments(parser)
    options = parser.parse_args(arguments)
    wanted = choice.chosen(options)
    if options.explained and wanted:
        raise UsageError("--explained is of whole runs; leave the choice of cells out")
    chosen_run.given(options)
    if options.explained:
        return _explained(options.run)
    if len(options.run) > 1:
        raise UsageError("give one run, or --explained for several")
    cells = _cells(options.run[0])
    if not wanted:
        entry.tell(why.overview(cells, attribution.explained(cells), WORST))
        return 0
    (cells,) = choice.choose([cells], wanted)
    if cells.empty:
        raise UsageError("no measured cell is all of these at once; choose fewer")
    entry.tell("\n\n".join(why.cell_text(cell) for cell in cells.to_dict("records")))
    return 0


def _cells(path: str) -> pandas.DataFrame:
    """The attribution of a run's cells, with their instructions."""
    runs = load.read_runs(path)
    if not (runs["pass"] == "trace").any():
        raise UsageError(
            f"{load.runs_path(path)} has no rows of the trace pass, so nobody knows why; "
            "make a run with this version of growbench"
        )
    cells = analyse.analyse(runs, load.read_timeline(path, runs)).attribution
    return instructions.with_instructions(cells, runs)


def _explained(paths: Sequence[str]) -> int:
    """Prints how much is explained in each run, and returns the exit status."""
    found = []
    for path in paths:
        machine = description.read_machine(path)
        setting = description.huge_pages(machine)
        found.append((load.runs_path(path).parent.name, setting, _cells(path)))
    goal = attribution.EXPLAINED_GOAL
    table, missed = why.explained_table(found, goal)
    entry.tell(formats.as_terminal(table).rstrip("\n"))
    for label in missed:
        entry.tell(f"below the goal of {goal:.0%}: {label}")
    return MISSED if missed else 0
