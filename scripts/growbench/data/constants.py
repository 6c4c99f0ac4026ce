"""The numbers that both languages need: harness/common/constants.def says what each is."""

from growbench.data.schema import rows

_VALUES = {name: int(value) for name, value, _ in rows("constants.def", "CONSTANT")}
ARTICLE_ROWS = _VALUES["ARTICLE_ROWS"]
ARTICLE_ROW_BYTES = _VALUES["ARTICLE_ROW_BYTES"]
ARTICLE_THREADS = _VALUES["ARTICLE_THREADS"]
# Of a count that a person types: the power of ten for each letter.
SUFFIXES = {letter: int(power) for letter, power in rows("constants.def", "SUFFIX")}
