"""What is said of a history: sentences, the newest change first, and tables."""

from typing import NamedTuple, Optional, Sequence

import numpy as np
import pandas as pd

from growbench.comparison.differences import machine_differences
from growbench.comparison.exact import TONES, by, figures, where
from growbench.comparison.output import Document
from growbench.comparison.sharing import FAMILY, family_words
from growbench.data.metrics import metric
from growbench.data.text import printable
from growbench.history.changes import COUNT, TIME, History, distance
from growbench.history.order import State
from growbench.history.times import THRESHOLD
from growbench.statistics.change_points import FEWEST, FEWEST_ASIDE
from growbench.tables.table import Column, NOTHING, Table, percent

# Change points that are told in sentences, and facts of each: the tables have all.
MOST_POINTS, MOST_FACTS, MOST_RUNS = 8, 4, 6
# What differs between two runs of the same thing, and is no cause of anything exact.
_NO_CAUSES = (
    *("load per CPU at start", "CPU pressure at start, %", "memory pressure, %"),
    *("I/O pressure, %", "doubts of the run", "state", "rounds", "passes", "arguments"),
    *("time budget, s", "time limit, s", "order", "schema version"),
)
# All runs are a little off; only more than that is told of one.
_MOOD = 0.05


class Asked(NamedTuple):
    """since: the first place of a state whose changes are told. threshold: of times."""

    since: int = 0
    threshold: float = THRESHOLD


def said(history: History, asked: Asked, notes: Sequence[str] = ()) -> Document:
    """All that there is to say, as status 0. notes: of the order and of what was left out."""
    told = history.families[history.families["since"] >= asked.since]
    told = told.assign(where=told["place"] if _several_machines(history) else "")
    facts = _facts(history, told)
    sentences = [
        _headline(history, told, asked),
        *_points(history, told, facts),
        *_of_times(history, asked),
        *history.order.notes,
        *notes,
    ]
    tables = [
        _summary(history, told),
        _families(history, told),
        _cells(history, asked),
        _differences(history, facts),
        _runs(history),
    ]
    return Document(_title(history), sentences, tables, 0)


def began(state: State) -> str:
    """When its first run began: "2026-11-03 10:00"."""
    return printable(state.runs[0].began[:16].replace("T", " "))


def _title(history: History) -> str:
    runs = sum(len(state.runs) for state in history.states)
    first, last = history.states[0], history.states[-1]
    of = (
        f"{runs} runs"
        if runs == len(history.states)
        else f"{runs} runs of {len(history.states)} states"
    )
    return f"history of {of}, {first.label} to {last.label}, by {history.order.by}"


def _headline(history: History, told: pd.DataFrame, asked: Asked) -> str:
    counts = len({one.exact.name for one in history.of_counts if one.compared})
    compared = f"{counts} count{'s' if counts != 1 else ''} of {len(history.cells):,} cells"
    since = f" since {history.states[asked.since].label}" if asked.since else ""
    if told.empty:
        return f"nothing changed{since}: of {compared} none differs that can be told"
    count = told["since"].nunique()
    standing = told[told["undone"].isna()]
    listed = [f"{int((standing['change'] == change).sum())} {change}" for change in TONES]
    return (
        f"{count} change point{'s' if count > 1 else ''}{since} ({compared} looked at); what "
        f"still stands, by family and count or time: {', '.join(listed)}"
    )


def _points(history: History, told: pd.DataFrame, facts: dict[int, list[str]]) -> list[str]:
    """A sentence for each change point, the newest first."""
    places = sorted(told["since"].unique(), reverse=True)
    sentences = [
        _point(history, told[told["since"] == place], int(place), facts.get(int(place), []))
        for place in places[:MOST_POINTS]
    ]
    if len(places) > MOST_POINTS:
        sentences.append(f"and {len(places) - MOST_POINTS} older ones: see the table changes")
    return sentences


def _point(history: History, own: pd.DataFrame, place: int, facts: Sequence[str]) -> str:
    state = history.states[place]
    parts = []
    for change in TONES:
        of = own[own["change"] == change]
        if len(of):
            groups = of.groupby(["label", "where"], sort=False)
            listed = [_what(history, rows) for _, rows in groups]
            parts.append(f"{change}: {', '.join(listed)}")
    where = [began(state)] if state.label != began(state) else []
    where += [state.detail] if state.detail else []
    where += [_between(state)] if state.steps is not None and state.steps > 1 else []
    text = f"since {state.label} ({'; '.join(where)}): {'; '.join(parts)}"
    more = f" and {len(facts) - MOST_FACTS} more" if len(facts) > MOST_FACTS else ""
    return f"{text}; new with it: {', '.join(facts[:MOST_FACTS])}{more}" if facts else text


def _between(state: State) -> str:
    return f"or one of the {state.steps - 1} commits before it" if state.steps else ""


def _what(history: History, rows: pd.DataFrame) -> str:
    """ "bytes copied +0.1% to +6.6% (realloc_doubling on glibc from 1k rows on and 2 more)"."""
    most = rows.iloc[int(np.argmax(distance(rows["ratio"])))]
    low, high = rows["ratio"].min(), rows["ratio"].max()
    change = by(low, high)
    if np.isinf(high):
        before, after = _figure(most, "before"), _figure(most, "after")
        change = f"{before} to {after}"
    of = family_words(most)
    if most["kind"] == COUNT and most["changed_count"] < most["cell_count"]:
        of += f" {where(most)}"
    more = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
    more += f" on {most['where']}" if most["where"] else ""
    undone = rows["undone"]
    ended = ""
    if most["earliest"] < most["since"] and most["kind"] == TIME:
        ended = f", perhaps since {history.states[int(most['earliest'])].label}"
    if undone.notna().all():
        ended += f", undone since {history.states[int(undone.max())].label}"
    return f"{most['label']} {change} ({of}{more}){ended}"


def _figure(row: pd.Series, side: str) -> str:
    """A figure or a range, as text."""
    low, high = row[f"{side}_low"], row[f"{side}_high"]
    if np.isnan(low):
        return NOTHING
    return figures(low, high, "" if row["unit"] == "count" else " B")


def _facts(history: History, told: pd.DataFrame) -> dict[int, list[str]]:
    """For each place where something changed: what else of machine and build did."""
    found = {}
    for place in sorted(told["since"].unique()):
        before = history.states[int(told.loc[told["since"] == place, "last"].max())].runs[-1]
        after = history.states[int(place)].runs[0]
        frame = machine_differences([before.run, after.run]).frame
        found[int(place)] = [
            f"{row['what']} {row['run_1'] or 'not known'} \N{RIGHTWARDS ARROW} "
            f"{row['run_2'] or 'not known'}"
            for row in frame.to_dict("records")
            if row["what"] not in _NO_CAUSES
        ]
    return found


def _of_times(history: History, asked: Asked) -> list[str]:
    """What of times could be looked at, and what all families had in common."""
    looked = history.in_time
    sentences: list[str] = []
    if not history.wanted.metrics:
        return sentences
    numbers = sorted(set(looked.host_of_run))
    if not any(len(one.values) for one in looked.hosts):
        most = max(looked.host_of_run.count(number) for number in numbers)
        return [
            f"times were not looked at: that takes {FEWEST} runs of one host that have times of "
            f"the same cells, and there are {most if most < FEWEST else 'none'}"
            + (f" (of {len(numbers)} hosts, or states of one)" if len(numbers) > 1 else "")
        ]
    for one in looked.hosts:
        visible = "none" if np.isinf(one.visible) else percent(one.visible)
        found = sum(1 for change in looked.found if change.host == one.number)
        sentences.append(
            f"times of {len(one.values)} families and metrics in {len(one.runs)} runs of host "
            f"{one.number}: {found or 'no'} change point{'s' if found != 1 else ''} of "
            f"{asked.threshold:.0%} or more (one of {visible} half way would have been told)"
        )
        sentences += [
            f"all families together: {metric(name).label.lower()} {percent(ratio)} since "
            f"{history.states[place].label} on host {one.number}: the host, or what they all "
            "share; taken out"
            for name, place, ratio in one.common_changes
        ]
    if looked.smaller:
        sentences.append(f"smaller changes of times, which are not told: {looked.smaller}")
    return [*sentences, *_of_hosts(history), *_moods(history)]


def _of_hosts(history: History) -> list[str]:
    looked = history.in_time
    told = {one.number for one in looked.hosts}
    left = [number for number in sorted(set(looked.host_of_run)) if number not in told]
    sentences = []
    if left:
        runs = sum(looked.host_of_run.count(number) for number in left)
        sentences.append(
            f"{runs} run{'s' if runs > 1 else ''} of {len(left)} other host"
            f"{'s' if len(left) > 1 else ''}, or states of it, are too few for times (each takes "
            f"{FEWEST}, {FEWEST_ASIDE} before a change and after it)"
        )
    if looked.by_older:
        names = ", ".join(looked.by_older)
        sentences.append(
            f"by the column of older files in all runs, as some have no other: {names}"
        )
    return sentences


def _moods(history: History) -> list[str]:
    """Runs that were off as a whole."""
    runs = [run for state in history.states for run in state.runs]
    off = [
        f"{runs[place].label} {percent(float(np.exp(value)))}"
        for one in history.in_time.hosts
        for values in list(one.common.values())[:1]
        for place, value in zip(one.runs, values)
        if abs(value) > np.log1p(_MOOD)
    ]
    if not off:
        return []
    more = f" and {len(off) - MOST_RUNS} more" if len(off) > MOST_RUNS else ""
    listed = ", ".join(off[:MOST_RUNS])
    return [f"all families together were off in, and it was taken out: {listed}{more}"]


def _several_machines(history: History) -> bool:
    return len({run.machine_id for state in history.states for run in state.runs}) > 1


def _where(history: History) -> list[Column]:
    """A column with the machine, or what else a change is of, where there are several."""
    return [Column("where", "Where")] if _several_machines(history) else []


def _labels(history: History, places: pd.Series) -> list[Optional[str]]:
    return [None if np.isnan(place) else history.states[int(place)].label for place in places]


def _summary(history: History, told: pd.DataFrame) -> Table:
    """A row for each change point and count or time, whatever the families."""
    rows = []
    keys = ["since", "label", "change", "where"]
    for (since, label, change, place), own in told.groupby(keys, sort=False):
        most = own.iloc[int(np.argmax(distance(own["ratio"])))]
        rows.append(
            {
                "where": place,
                "order": since,
                "since": history.states[int(since)].label,
                "began": began(history.states[int(since)]),
                "what": label,
                "change": change,
                "family_count": len(own),
                "ratio_low": float(own["ratio"].min()),
                "ratio_high": float(own["ratio"].max()),
                "most_in": family_words(most),
                "undone_count": int(own["undone"].notna().sum()),
                "tone": TONES[change],
            }
        )
    names = ["where", "order", "since", "began", "what", "change", "family_count", "ratio_low"]
    names += ["ratio_high", "most_in", "undone_count", "tone"]
    frame = pd.DataFrame(rows, columns=names)
    frame = frame.sort_values("order", ascending=False, kind="stable").reset_index(drop=True)
    columns = [
        Column("since", "Since"),
        Column("began", "Began"),
        Column("what", "What"),
        Column("change", "Change"),
        Column("family_count", "Families", "count"),
        Column("ratio_low", "By", "interval:change", "ratio_high"),
        Column("most_in", "Most in"),
        Column("undone_count", "Undone later", "count"),
        *_where(history),
    ]
    return Table("summary", "Since when", columns, frame, [], "tone")


def _families(history: History, told: pd.DataFrame) -> Table:
    frame = told.iloc[::-1].reset_index(drop=True)
    for name in ("since", "last", "undone", "earliest", "latest"):
        frame[name] = _labels(history, frame[name].astype(float))
    frame["family"] = [family_words(row) for _, row in frame.iterrows()]
    frame["sizes"] = [
        where(row) if row["kind"] == COUNT else "all" for row in frame.to_dict("records")
    ]
    frame["before"] = [_figure(row, "before") for _, row in frame.iterrows()]
    frame["after"] = [_figure(row, "after") for _, row in frame.iterrows()]
    frame["tone"] = frame["change"].map(TONES)
    columns = [
        Column("since", "Since"),
        Column("earliest", "At the earliest"),
        Column("latest", "At the latest"),
        Column("label", "What"),
        Column("family", "Family"),
        Column("change", "Change"),
        Column("ratio_low", "By", "interval:change", "ratio_high"),
        Column("sizes", "Sizes"),
        Column("before", "From"),
        Column("after", "To"),
        Column("undone", "Undone since"),
        *_where(history),
    ]
    notes = ["From and to are of the cell that changed most; of times there are ratios only."]
    return Table(
        "changes", "What changed, by family", columns, frame, notes if len(frame) else [], "tone"
    )


def _cells(history: History, asked: Asked) -> Table:
    frame = history.changed_cells
    frame = frame[frame["since"] >= asked.since].drop(columns="of").iloc[::-1]
    frame = frame.reset_index(drop=True)
    for name in ("since", "last", "undone"):
        frame[name] = _labels(history, frame[name].astype(float))
    columns = [
        Column("since", "Since"),
        Column("what", "Count"),
        *(Column(key, key.replace("_", " ").capitalize()) for key in FAMILY),
        Column("rows", "Rows", "count"),
        Column("row_bytes", "Row bytes", "count"),
        Column("before_low", "From", "interval:count", "before_high"),
        Column("after_low", "To", "interval:count", "after_high"),
        Column("change", "Change"),
    ]
    return Table("cells", "Counts that changed, cell by cell", columns, frame)


def _differences(history: History, facts: dict[int, list[str]]) -> Table:
    rows = [
        {"since": history.states[place].label, "fact": fact}
        for place in sorted(facts, reverse=True)
        for fact in facts[place]
    ]
    frame = pd.DataFrame(rows, columns=["since", "fact"])
    columns = [Column("since", "Since"), Column("fact", "What else is new there")]
    return Table("differences", "What else changed at these points", columns, frame)


def _runs(history: History) -> Table:
    """The runs in order, with their host and how they were off as a whole."""
    common: dict[tuple[int, str], float] = {}
    for one in history.in_time.hosts:
        for name, values in one.common.items():
            common.update(((place, name), float(np.exp(v))) for place, v in zip(one.runs, values))
    names = list(dict.fromkeys(name for _, name in common))
    rows: list[dict] = []
    for state in history.states:
        for run in state.runs:
            place = len(rows)
            rows.append(
                {
                    "run": run.label,
                    "state": state.label,
                    "began_utc": run.began,
                    "run_id": run.run_id,
                    "machine_id": run.machine_id,
                    "commit": run.commit,
                    "host": history.in_time.host_of_run[place],
                    **{f"common_{name}": common.get((place, name), np.nan) for name in names},
                }
            )
    columns = [
        Column("run", "Run"),
        Column("state", "State"),
        Column("began_utc", "Began"),
        Column("machine_id", "Machine"),
        Column("host", "Host", "count"),
        *(Column(f"common_{name}", f"All, {name}", "percent") for name in names),
    ]
    note = (
        "Host: runs of one number saw the same prices. All: how far all families together were off."
    )
    return Table("runs", "The runs in order", columns, pd.DataFrame(rows), [note])
