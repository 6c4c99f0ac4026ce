#!/bin/sh
# Does interleaving hold? Two labels for the same allocator in one run: whatever differs between
# them is noise. Prints each cell's ratio and the share of cells further apart than 5%. In 40 rounds,
# about 3 minutes: on a virtual machine, workers differ too much for fewer.
#
# usage: OUT=... ARGS=... scripts/bench-interleaving.sh path/to/growbench
set -eu
[ "${1-}" != --help ] || { sed -n '2,/^[^#]*$/s/^# \{0,1\}//p' "$0"; exit 0; }

growbench=$1
here=$(dirname "$0")
python=$("$here/find-python")
out=${OUT:-results/interleaving-$(date -u +%Y%m%dT%H%M%SZ)}

status=0
# shellcheck disable=SC2086 # ARGS is a list of words
"$growbench" run --preset "${PRESET:-default}" --rounds 40 --allocators a,b --allocator a=jemalloc --allocator b=jemalloc \
	--out "$out" ${ARGS-} >&2 || status=$?
# 3: some workers failed; 4 would be that what is to be compared was not measured.
[ "$status" -eq 0 ] || [ "$status" -eq 3 ] || exit "$status"
"$python" "$here/growbench" compare-within "$out" a b
