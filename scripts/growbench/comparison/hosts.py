"""Which runs are of one host: by its prices and its hardware, not by its name alone.

Two machines of one model have one machine_id, and a machine that became slower has the one it had.
So runs are of one host if their names are the same and nothing says that their hosts are not
(analysis/host.py). A run of which no price is known is taken for one of the first host of its name.
"""

from typing import NamedTuple, Sequence

from growbench.analysis.host import Fingerprint, MACHINE, STATE, distance
from growbench.comparison.run import Run
from growbench.data.text import printable


class Host(NamedTuple):
    """label: M1, M2, ... in the order of their first runs. runs: all of this host's, at least one;
    each is like the first of them."""

    label: str
    machine_id: str
    runs: Sequence[Run]

    @property
    def seen(self) -> Fingerprint:
        """What the first of its runs saw."""
        return self.runs[0].fingerprint()


def hosts_of(runs: Sequence[Run]) -> list[Host]:
    """The hosts that the runs are of."""
    hosts: list[Host] = []
    for run in runs:
        place = next((i for i, host in enumerate(hosts) if is_of(run, host)), None)
        if place is None:
            hosts.append(Host(f"M{len(hosts) + 1}", run.machine_id, [run]))
        else:
            hosts[place] = hosts[place]._replace(runs=[*hosts[place].runs, run])
    return hosts


def is_of(run: Run, host: Host) -> bool:
    """Is nothing known by which this run is not of the host?"""
    if run.machine_id != host.machine_id:
        return False
    return distance(host.seen, run.fingerprint()).verdict not in (STATE, MACHINE)


def namesakes(hosts: Sequence[Host]) -> list[str]:
    """A sentence for each host that has the name of one before it, and is another; it is to be said
    before anything else."""
    sentences = []
    for host in hosts:
        first = next(other for other in hosts if other.machine_id == host.machine_id)
        if first is host:
            continue
        found = distance(first.seen, host.seen)
        one, other = (", ".join(run.label for run in of.runs) for of in (first, host))
        name = f"two hosts of one name, {host.machine_id}"
        sentences.append(printable(f"{name}: {one} is of one, {other} of another ({found.text()})"))
    return sentences
