"""The blocks of a program that grew, in words and as a table: what that took, and what allocating
each at its largest size at once would save."""

from typing import Any

import pandas as pd

from growbench.advice.profile import Profile
from growbench.data.text import printable
from growbench.data.units import show
from growbench.tables.table import Column, Table, factor

# Below this share of the calls, and of the requested bytes, nobody need change anything.
LEAST_SHARE = 0.01
SHOWN = 5
# Steps of one size, give or take what rounding makes of them.
_EVEN = 1.25

Group = dict[str, Any]


def growing_sentences(profile: Profile) -> list[str]:
    """The blocks that cost most, and what preallocating would save."""
    return [*_by_realloc(profile), *_replaced(profile.told["replaced"])]


def _by_realloc(profile: Profile) -> list[str]:
    growth = profile.growth
    every = growth["all"]
    if not every["block_count"]:
        return ["No block of it grew by realloc."]
    requested = profile.process["requested_bytes"]
    said = [
        f"{_blocks(every['block_count'])} grew, by {_times(every['realloc_count'])}, which can "
        f"have copied {_bytes(every['copied_bytes'])} ({factor(every['copied_bytes'] / requested)} "
        f"times what it requested in all); as recorded, {every['moved_count']:,} moved, with "
        f"{_bytes(every['moved_bytes'])}."
    ]
    if _is_little(every, profile.process):
        return [*said, "That is little: preallocating would hardly be seen."]
    first = growth["groups"][0]
    said.append(f"{_where(first)} most: {_how(first)}.")
    said.append(
        f"Each block at its largest size at once would save {_times(every['realloc_count'])} and "
        f"that copying; {_peak(profile.told['peaks'], growth['preallocated'])}{_left_out(growth)}."
    )
    doubling = _doubling(every)
    return [*said, doubling] if doubling else said


def _replaced(replaced: dict[str, Any]) -> list[str]:
    """The blocks that grew as std::vector does."""
    every = replaced["all"]
    if not every["block_count"]:
        return []
    first = replaced["groups"][0]
    where = f" {_where(first)} most: {_from_to(first)}." if first["stack"] else ""
    return [
        f"{_blocks(every['block_count'])} grew as std::vector does, by a new block, a copy and a "
        f"free, as far as can be seen: {every['realloc_count']:,} steps, which copied "
        f"{_bytes(every['copied_bytes'])} and which reserving room would save.{where}"
    ]


def _is_little(every: Group, process: dict[str, Any]) -> bool:
    return bool(
        every["realloc_count"] < LEAST_SHARE * process["event_count"]
        and every["copied_bytes"] < LEAST_SHARE * process["requested_bytes"]
    )


def _where(group: Group) -> str:
    """Those of the place that grew, as far as it has a name: not of what wraps the allocator."""
    stack = group["stack"]
    if not stack:
        return "These cost"
    named = [frame for frame in stack if frame["function"]]
    own = [frame for frame in named if "alloc" not in frame["function"].lower()]
    return f"Those of {printable((own or named or stack)[0]['call'])} cost"


def _calls(group: Group) -> str:
    """The functions, the innermost first; places where none has a name."""
    stack = group["stack"]
    named = [frame["function"] for frame in stack if frame["function"]]
    return printable(" < ".join(named or [frame["call"] for frame in stack]))


def _how(group: Group) -> str:
    """3 blocks, from 64 B to 12 MiB, by 4,312 reallocs in steps of 4.05 KiB, ..."""
    blocks = _blocks(group["block_count"])
    most = ""
    if group["block_count"] > 1 and group["most_reallocs"] > 1:
        most = f" ({group['most_reallocs']:,} of one block)"
    return (
        f"{blocks}, {_from_to(group)}, by {_times(group['realloc_count'])}{most}{_steps(group)}, "
        f"which can have copied {_bytes(group['copied_bytes'])}"
    )


def _from_to(group: Group) -> str:
    return (
        f"from {_span(group['least_first_bytes'], group['most_first_bytes'])} "
        f"to {_span(group['least_largest_bytes'], group['most_largest_bytes'])}"
    )


def _span(low: int, high: int) -> str:
    return _bytes(low) if low == high else f"{_bytes(low)}..{_bytes(high)}"


def _steps(group: Group) -> str:
    """Where all steps are about the same, that is why there are so many."""
    low, high = group["least_step_bytes"], group["most_step_bytes"]
    if group["most_reallocs"] < 4 or high > _EVEN * low:
        return ""
    return f" in steps of {_bytes(high) if low != high else f'{high:,} bytes'}"


def _peak(recorded: dict[str, int], preallocated: dict[str, int]) -> str:
    """moving_bytes: with both blocks of each realloc that moved."""
    then, now = recorded["moving_bytes"], preallocated["moving_bytes"]
    if _bytes(then) == _bytes(now):
        return f"the peak of requested bytes would stay {_bytes(then)}"
    word = "fall" if now < then else "rise"
    return f"the peak of requested bytes would {word} from {_bytes(then)} to {_bytes(now)}"


def _left_out(growth: dict[str, Any]) -> str:
    least = growth["preallocated_from_bytes"]
    return f" (that peak is with blocks of {_bytes(least)} and more)" if least else ""


def _doubling(every: Group) -> str:
    """What is told where the largest size is not known beforehand."""
    if 2 * every["doubling_copied_bytes"] > every["copied_bytes"]:
        return ""
    return (
        f"Where the size is not known beforehand, doubling would take "
        f"{_times(every['doubling_count'])}, which can copy "
        f"{_bytes(every['doubling_copied_bytes'])}."
    )


def growing_table(profile: Profile) -> Table:
    """The kinds of growth that can have copied most, and what preallocating each alone saves."""
    growth = profile.growth
    groups = growth["groups"]
    with_stacks = any(group["stack"] for group in groups)
    then = profile.told["peaks"]["moving_bytes"]
    rows = [
        {
            **{name: value for name, value in group.items() if isinstance(value, int)},
            "from_to": _from_to(group),
            "calls": _calls(group),
            "preallocated_bytes": group["preallocated"]["moving_bytes"],
            "peak_saved_bytes": then - group["preallocated"]["moving_bytes"],
        }
        for group in groups
    ]
    columns = [
        Column("block_count", "Blocks", "count"),
        Column("realloc_count", "Reallocs", "count"),
        Column("most_reallocs", "Of one", "count"),
        Column("from_to", "From and to"),
        Column("copied_bytes", "Can have copied", "bytes"),
        Column("moved_bytes", "Moved", "bytes"),
        Column("preallocated_bytes", "Peak if preallocated", "bytes"),
    ]
    if with_stacks:
        columns.append(Column("calls", "Called from"))
    count = growth["group_count"]
    title = "What grew, by where it was called" if with_stacks else "What grew, by sizes"
    table = Table("growing", title, columns, pd.DataFrame(rows, columns=_names(columns)))
    if rows:
        table = table._replace(frame=pd.DataFrame(rows))
    notes = [f"the peak of requested bytes is {_bytes(then)} as it is"] if rows else []
    if count > SHOWN:
        notes.append(f"kinds of growth not shown: {count - SHOWN}")
    if groups and not with_stacks:
        notes.append("by call site: growbench record --stacks")
    return table._replace(frame=table.frame.head(SHOWN), notes=notes)


def _names(columns: list[Column]) -> list[str]:
    return [column.name for column in columns]


def _bytes(value: float) -> str:
    return show(value, "bytes")


def _times(count: int) -> str:
    return f"{count:,} realloc{'' if count == 1 else 's'}"


def _blocks(count: int) -> str:
    return f"{count:,} block{'' if count == 1 else 's'}"
