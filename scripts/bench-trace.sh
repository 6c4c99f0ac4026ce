#!/bin/sh
# What does the interposer of the trace pass cost? Cells of 1 ms and more with it and without, in one
# run. Takes about a minute.
#
# usage: OUT=... ARGS=... scripts/bench-trace.sh path/to/growbench
set -eu
[ "${1-}" != --help ] || { sed -n '2,/^[^#]*$/s/^# \{0,1\}//p' "$0"; exit 0; }

growbench=$1
here=$(dirname "$0")
python=$("$here/find-python")
out=${OUT:-results/trace-$(date -u +%Y%m%dT%H%M%SZ)}

status=0
# shellcheck disable=SC2086 # ARGS is a list of words
"$growbench" run --rounds 3 --rows 10k,100k --passes measure,trace --timeline none \
	--no-summary --out "$out" ${ARGS-} >&2 || status=$?
# 3: some workers failed; 4 would be that what is to be compared was not measured.
[ "$status" -eq 0 ] || [ "$status" -eq 3 ] || exit "$status"
"$python" "$here/growbench" tracer-cost "$out"
