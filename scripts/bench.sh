#!/bin/sh
# A run from measuring to plots: what `make bench` and the CMake target `bench` do.
#
# usage: PRESET=... OUT=... ARGS=... RESUME=... scripts/bench.sh path/to/growbench
set -u

growbench=$1
here=$(dirname "$0")

# Ctrl-C is for the runner, which finishes the row in hand and says how to go on.
trap : INT

if [ -n "${RESUME-}" ]; then
	set -- run --resume "$RESUME"
else
	set -- run --preset "${PRESET:-default}"
	[ -z "${OUT-}" ] || set -- "$@" --out "$OUT"
fi
# shellcheck disable=SC2086 # ARGS is a list of words
folder=$("$growbench" "$@" ${ARGS-})
status=$?
# 3: the run is whole, but some workers failed; there is something to plot all the same.
case $status in
0 | 3) ;;
*) exit "$status" ;;
esac

# No folder, as with ARGS=--help: what was printed is for the reader.
if [ ! -d "$folder" ]; then
	printf '%s\n' "$folder"
	exit "$status"
fi
python=$("$here/find-python") || exit 1
"$python" "$here/plot.py" "$folder" >&2 || exit 1
echo "$folder: $(cd "$folder" && echo *)"
exit "$status"
