"""What ends a command with a message instead of a result."""


class UsageError(Exception):
    """What the user asked for cannot be done. The message says what, and what to do."""
