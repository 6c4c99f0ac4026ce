#!/bin/sh
# bench_main(), seen from outside: output, error output, exit status.
# usage: test_program.sh PATH/TO/shim-example PATH/TO/shim-skipping
set -eu

example=$1
skipping=$2
program=$example
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0

fail() {
	echo "FAILED: $1"
	cat "$folder/out" "$folder/err"
	failed=1
}

# expect STATUS ARGUMENT...: runs the program; its output is in $folder/out and $folder/err.
expect() {
	wanted=$1
	shift
	status=0
	"$program" "$@" >"$folder/out" 2>"$folder/err" || status=$?
	[ "$status" = "$wanted" ] || fail "exit status $status instead of $wanted for: $*"
}

expect 0 --benchmark_list_tests
grep -q '^clear_page' "$folder/out" || fail "the list lacks clear_page"

expect 0 --help
grep -q -e --benchmark_filter "$folder/out" || fail "--help does not name --benchmark_filter"

expect 2 --no_such_flag
grep -q -e --no_such_flag "$folder/err" || fail "the unknown flag is not named"

expect 1 --benchmark_filter=matches_nothing
grep -q matches_nothing "$folder/err" || fail "the filter that matches nothing is not named"

expect 1 '--benchmark_filter=('
[ -s "$folder/err" ] || fail "no message for a filter that is no regular expression"

program=$skipping
expect 1
grep -q '^measured' "$folder/out" || fail "a skip kept another benchmark from being measured"
grep -q 'nothing to measure here' "$folder/out" || fail "the reason for the skip is not shown"
expect 0 --benchmark_filter=measured
program=$example

expect 2 --benchmark_format=odd
expect 2 --benchmark_min_time=odd

expect 0 --benchmark_min_time=0.001
grep -q '^clear_page.*ns' "$folder/out" || fail "no time on the console"
grep -q '_median' "$folder/out" || fail "no aggregates on the console"
grep -q -i debug "$folder/out" "$folder/err" && fail "the remark on DEBUG reached the user"
grep -q 'Run on' "$folder/err" || fail "the other remarks did not reach the user"

exit "$failed"
