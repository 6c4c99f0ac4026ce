"""Hold a run's exact counts against a baseline, for CI: what became worse, and what better."""

import argparse
from pathlib import Path
from typing import Optional, Sequence

from growbench.data.errors import UsageError
from growbench.command_line import packages

with packages.imports():
    import pandas as pd

    from growbench.command_line import choice, entry, progress
    from growbench.comparison.run import read_all
    from growbench.comparison.sharing import FAMILY
    from growbench.data import files
    from growbench.data.columns import CELL
    from growbench.data.exact import EXACT, EXACT_COLUMNS
    from growbench.gate import baseline as baselines
    from growbench.gate import facts, judge, page, words

EXAMPLES = """\
  growbench gate results/exact --baseline baseline.txt --update     makes it, or makes it anew
  growbench gate results/exact --baseline baseline.txt
  growbench gate results/exact --baseline baseline.txt --output comment.md junit.xml
  growbench gate results/exact --baseline baseline.txt --threshold cold_build_instructions=0.5
  growbench gate results/1 results/2 results/3 --baseline baseline.txt --update

A run for it is made with: growbench run --preset exact --out results/exact

exit status:
  0  nothing is worse           3  not comparable: another compiler, library, architecture
  1  a count is worse           4  incomplete: counts of the baseline were not measured
  2  usage, or unreadable input
"""
ALL = "all"


def main(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    progress.current.step("reading")
    old = None
    if not options.update or Path(options.baseline).exists():
        old = baselines.read(options.baseline)
    runs = read_all(options.run, {*EXACT_COLUMNS, "status_detail", *facts.COLUMNS})
    apart = facts.agree(runs)
    if apart:
        entry.note(
            f"not comparable: the runs differ in {apart[0].text()}; gate runs of one machine"
        )
        return judge.NOT_COMPARABLE
    wanted = choice.chosen(options)
    known = [run.runs for run in runs] + ([old.figures] if old else [])
    chosen = choice.choose(known, wanted)
    new = judge.measured([run._replace(runs=of) for run, of in zip(runs, chosen)])
    shown = old and old._replace(figures=chosen[-1].reset_index(drop=True))
    if options.update:
        return update(old, new, shown, options)
    assert old is not None and shown is not None
    verdict = judge.judge(shown, new, options.threshold, options.comparable)
    families = [(i, s, a) for i, s, a in shown.figures[list(FAMILY)].drop_duplicates().to_numpy()]
    made = page.Page(
        verdict,
        options.baseline,
        [run.label for run in runs],
        sorted(families),
        old.facts,
        new.facts,
        0 if options.all else page.Page._field_defaults["limit"],
    )
    write(made, options)
    if options.ratchet and verdict.status == judge.CLEAR:
        update(old, new, shown, options, ratchet=True)
    return verdict.status


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = entry.parser(__name__, "Hold a run's exact counts against a baseline.", EXAMPLES)
    parser.add_argument("run", metavar="RUN", nargs="+", help="a run's folder, or its runs.csv")
    parser.add_argument(
        "--baseline", metavar="FILE", required=True, help="of text, to be committed"
    )
    parser.add_argument("--update", action="store_true", help="write the runs' counts into it")
    parser.add_argument(
        "--ratchet", action="store_true", help="do so if nothing is worse: what is better stays so"
    )
    parser.add_argument(
        "--threshold",
        metavar="NAME=PERCENT",
        action=Thresholds,
        nargs="+",
        default={},
        help="how much worse a count may be (default: 0); NAME is all, or one of "
        + ", ".join(exact.name for exact in EXACT),
    )
    parser.add_argument(
        "--comparable",
        action="store_true",
        help="be content with what does not depend on what is not as it was",
    )
    parser.add_argument("--all", action="store_true", help="show all families that changed")
    parser.add_argument("--format", choices=page.FORMATS, help="default: terminal")
    parser.add_argument(
        "--output",
        metavar="FILE",
        nargs="+",
        default=[],
        help="write there: .md is Markdown, .json JSON, .xml JUnit; with --format instead of "
        "standard output, else as well",
    )
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto")
    choice.add_arguments(parser)
    options = parser.parse_args(arguments)
    if not options.baseline:
        parser.error("--baseline is empty; give a file")
    if options.update and options.ratchet:
        parser.error("--update writes in any case, --ratchet if nothing is worse: give one of them")
    if options.format and len(options.output) > 1:
        parser.error("--format is of one --output; without it each file's name tells")
    return options


class Thresholds(argparse.Action):
    """NAME=PERCENT..., as shares by name."""

    def __call__(self, parser, namespace, values, option_string=None):  # type: ignore
        found = dict(getattr(namespace, self.dest))
        for word in values:
            name, _, text = word.partition("=")
            names = [exact.name for exact in EXACT]
            entry.check_names("count", [name], [ALL, *names])
            try:
                share = float(text) / 100.0
            except ValueError:
                share = -1.0
            if not 0.0 <= share < 100.0:
                parser.error(f"--threshold {word}: give NAME=PERCENT, such as {name}=0.5")
            found |= {name: share for name in (names if name == ALL else [name])}
        setattr(namespace, self.dest, found)


def update(
    old: Optional[baselines.Baseline],
    new: judge.Measured,
    chosen: Optional[baselines.Baseline],
    options: argparse.Namespace,
    ratchet: bool = False,
) -> int:
    """Write the baseline, and say what that changed. chosen: what was asked for of the old one.
    ratchet: nothing of it becomes worse."""
    types: dict = {
        **dict.fromkeys(("rows", "row_bytes", "threads"), int),
        "low": float,
        "high": float,
    }
    none = pd.DataFrame(columns=list(baselines.FIGURES)).astype(types)
    empty = baselines.Baseline("", {}, none)
    made = judge.updated(old or empty, new, (chosen or empty).figures, ratchet)
    if made.baseline.figures.empty:
        raise UsageError(
            "the runs have no exact counts; measure with: growbench run --preset exact"
        )
    text = baselines.text_of(made.baseline)
    with files.atomic_writer(Path(options.baseline)) as stream:
        stream.write(text)
    cells = made.baseline.figures[list(CELL)].drop_duplicates()
    entry.tell(f"{options.baseline}: {len(made.baseline.figures):,} counts of {len(cells)} cells")
    for sentence in words.of_update(old, made, new):
        entry.tell(f"  {sentence}")
    return judge.CLEAR


def write(made: page.Page, options: argparse.Namespace) -> None:
    """To where it was asked for."""
    for name in options.output:
        kind = options.format or page.ENDINGS.get(Path(name).suffix, "terminal")
        with files.atomic_writer(Path(name)) as stream:
            stream.write(page.FORMATS[kind](made, False))
    if not (options.format and options.output):
        kind = options.format or "terminal"
        entry.put(page.FORMATS[kind](made, entry.in_colour(options.color)))
