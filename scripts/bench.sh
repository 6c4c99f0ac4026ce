#!/bin/sh
# A run, and what is made of it: what `make bench`, `make article` and `make patterns`, and the CMake
# target `bench`, do.
#
# usage: PRESET=... OUT=... ARGS=... RESUME=... scripts/bench.sh path/to/growbench [plots|article|patterns]
#
#   plots      all plots (the default)
#   article    the article's question: a table and its plot
#   patterns   all plots, and the tables of copying patterns
set -u
[ "${1-}" != --help ] || { sed -n '2,/^[^#]*$/s/^# \{0,1\}//p' "$0"; exit 0; }

growbench=$1
what=${2-plots}
here=$(dirname "$0")

# What plots need is there before hours of measuring, or is installed after them.
if [ -z "${SETUP_AFTER-}" ]; then
	"$here/find-python" >/dev/null || {
		echo "To measure without plots: $growbench run --preset ${PRESET:-default}" >&2
		exit 1
	}
fi

# Ctrl-C is for the runner, which finishes the row in hand and says how to go on.
trap : INT

if [ -n "${RESUME-}" ]; then
	set -- run --resume "$RESUME"
else
	set -- run --preset "${PRESET:-default}"
	[ -z "${OUT-}" ] || set -- "$@" --out "$OUT"
fi
# A summary needs what plots need.
[ -z "${SETUP_AFTER-}" ] || set -- "$@" --no-summary
# shellcheck disable=SC2086 # ARGS is a list of words
folder=$("$growbench" "$@" ${ARGS-})
status=$?
# 3: the run is whole, but some workers failed; 4: or something that was named was not measured.
# There is something to see all the same.
case $status in
0 | 3 | 4) ;;
*) exit "$status" ;;
esac

# No folder, as with ARGS=--help: what was printed is for the reader.
if [ ! -d "$folder" ]; then
	printf '%s\n' "$folder"
	exit "$status"
fi
if { [ -n "${SETUP_AFTER-}" ] && ! "$here/setup.sh" >&2; } || ! python=$("$here/find-python"); then
	echo "The run is whole: $folder. Its summary and plots are missing:" >&2
	echo "  make setup && scripts/growbench summarise $folder && make plots RUN=$folder" >&2
	exit 1
fi
if [ -n "${SETUP_AFTER-}" ]; then
	"$python" "$here/growbench" summarise "$folder" >&2 || exit 1
	[ "${PRESET-}" != factors ] || "$python" "$here/growbench" factors "$folder" >&2 || exit 1
fi
case $what in
article) "$python" "$here/growbench" article "$folder" || exit ;;
*) "$python" "$here/growbench" plot "$folder" >&2 || exit 1 ;;
esac
[ "$what" != patterns ] || "$python" "$here/growbench" patterns "$folder" || exit
echo "$folder: $(cd "$folder" && echo *)"
[ "$status" -ne 4 ] || echo 'bench: not all that was named was measured; the warnings above say why' >&2
exit "$status"
