#!/bin/sh
# bench_main() writes JSON that a parser takes. usage: test_json.sh PYTHON PATH/TO/shim-example
set -eu

errors=$(mktemp)
trap 'rm -f "$errors"' EXIT

"$2" --benchmark_format=json --benchmark_min_time=0.001 2>"$errors" | "$1" -c '
import json
import sys

names = [b["name"] for b in json.load(sys.stdin)["benchmarks"] if b["run_type"] == "iteration"]
assert names == ["clear_page/repeats:3"] * 3, names
'
if grep -i debug "$errors"; then
	echo "FAILED: the remark on DEBUG reached the user"
	exit 1
fi
