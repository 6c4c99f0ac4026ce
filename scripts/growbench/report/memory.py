"""The picture of memory in the report: of a layout that was measured once and is kept, since addresses
differ from process to process, and the same run gives the same report."""

from pathlib import Path

LAYOUT = Path(__file__).with_name("memory_layout.json")
