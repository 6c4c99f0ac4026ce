#!/bin/sh
# What does the interposer of the trace pass cost? Cells of 1 ms and more with it and without, in one
# run. Takes about a minute.
#
# usage: OUT=... ARGS=... scripts/bench-trace.sh path/to/growbench
set -eu

growbench=$1
here=$(dirname "$0")
python=$("$here/find-python")
out=${OUT:-results/trace-$(date -u +%Y%m%dT%H%M%SZ)}

# shellcheck disable=SC2086 # ARGS is a list of words
"$growbench" run --rounds 3 --rows 10k,100k --passes measure,trace --timeline none \
	--no-summary --out "$out" ${ARGS-} >&2 || [ $? -eq 3 ]
"$python" "$here/tracer_cost.py" "$out"
