"""The containers that people use, and which of our kernels does the same work.

To add a container, add a row to CONTAINERS, and a look in style.py.
"""

from typing import NamedTuple

import pandas as pd


class Container(NamedTuple):
    """implementation: as in runs.csv. kernel: the strategy in C that it is compared with."""

    implementation: str
    kernel: str


CONTAINERS = {
    "std_vector": Container("cpp", "realloc_doubling"),
    "std_vector_reserve": Container("cpp", "preallocate_then_fill"),
    "std_deque": Container("cpp", "chunked_list"),
    "std_list": Container("cpp", "list_of_pointers"),
    "glib_array": Container("glib", "realloc_doubling"),
    "glib_ptr_array": Container("glib", "list_of_pointers"),
    "utarray": Container("uthash", "realloc_doubling"),
}

# Kernels that are shown beside the containers in every plot.
REFERENCES = ("realloc_doubling", "preallocate_then_fill")


def are_containers(cells: pd.DataFrame) -> pd.Series:
    """For each row: is it one of CONTAINERS? Not if somebody else's worker has taken its name."""
    wanted = {(row.implementation, name) for name, row in CONTAINERS.items()}
    keys = zip(cells["implementation"], cells["strategy"])
    return pd.Series([key in wanted for key in keys], cells.index, dtype=bool)
