"""What can be said of a strategy without measuring it, where it matters to who has to choose one.

A strategy that is in none of these keeps its rows in one block in the end, and need not be told how
many there will be. To say otherwise of one, add its name, without the value of a parameter.
"""

from growbench.data.parameters import base

# The rows end up in several blocks: no pointer to all of them, no memcpy of the whole.
SCATTERED = frozenset(
    {
        "chunked_list",
        "list_of_pointers",
        "std_deque",
        "std_list",
        "glib_ptr_array",
    }
)

# The number of rows has to be known before the first one comes.
NEEDS_ROWS = frozenset({"preallocate_then_fill", "preallocate_zeroed", "std_vector_reserve"})
NEEDS_ROWS_PREFIX = "preallocate_"


def is_contiguous(strategy: str) -> bool:
    """Does the finished array lie in one block?"""
    return base(strategy) not in SCATTERED


def needs_rows(strategy: str) -> bool:
    """Has the number of rows to be known when building begins?"""
    return base(strategy) in NEEDS_ROWS or strategy.startswith(NEEDS_ROWS_PREFIX)
