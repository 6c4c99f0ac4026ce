#!/bin/sh
# The article's question, measured and answered: what `make article` does.
#
# usage: OUT=... ARGS=... RESUME=... scripts/article.sh path/to/growbench
set -u

growbench=$1
here=$(dirname "$0")

# Ctrl-C is for the runner, which finishes the row in hand and says how to go on.
trap : INT

if [ -n "${RESUME-}" ]; then
	set -- run --resume "$RESUME"
else
	set -- run --preset article
	[ -z "${OUT-}" ] || set -- "$@" --out "$OUT"
fi
# shellcheck disable=SC2086 # ARGS is a list of words
folder=$("$growbench" "$@" ${ARGS-})
status=$?
# 3: the run is whole, but some workers failed; there is an answer all the same.
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
"$python" "$here/article.py" "$folder" || exit
exit "$status"
