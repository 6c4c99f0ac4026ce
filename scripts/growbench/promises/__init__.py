"""What growbench promises, held against the truth: of `growbench validate`."""
