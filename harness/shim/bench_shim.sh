#!/bin/sh
# Times and instructions of an empty BENCH_LOOP against the native range-for.
# usage: bench_shim.sh PATH/TO/bench-shim
# Exit status: 0 the goals are reached (or instructions could not be counted), 1 one is missed.
set -eu

program=${1:?usage: bench_shim.sh PATH/TO/bench-shim}
few=1000000
many=11000000
status=0

"$program" || status=$?

if ! command -v valgrind >/dev/null; then
	echo "instructions per iteration: not counted, valgrind is not installed (Debian, Ubuntu: apt install valgrind)"
	exit "$status"
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Without debugging symbols: valgrind refuses programs that hold newer ones than it knows.
strip --strip-debug -o "$folder/program" "$program"

# Instructions of the whole process, from the "summary:" line of callgrind's output file.
count_instructions() {
	valgrind --tool=callgrind --callgrind-out-file="$folder/out" "$folder/program" "$1" "$2" \
		>"$folder/log" 2>&1 || {
		cat "$folder/log" >&2
		return 1
	}
	awk '$1 == "summary:" { print $2 }' "$folder/out"
}

# What more iterations cost more: everything outside the loop falls out of the difference.
per_iteration() {
	with_few=$(count_instructions "$1" "$few")
	with_many=$(count_instructions "$1" "$many")
	awk -v few="$with_few" -v many="$with_many" -v iterations="$((many - few))" \
		'BEGIN { printf "%.3f\n", (many - few) / iterations }'
}

c=$(per_iteration c)
native=$(per_iteration native)
if [ "$c" = "$native" ]; then
	verdict=reached
else
	verdict=MISSED
	status=1
fi
echo "instructions per iteration: BENCH_LOOP $c, range-for $native (goal: the same): $verdict"
exit "$status"
