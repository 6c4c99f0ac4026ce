#!/bin/sh
# Runs the fuzz targets of build-fuzz/, one after the other, from their committed inputs. Inputs that
# reach new code are kept in build-fuzz/corpus/TARGET, and the next time begins with them too.
# Exit status: 0 nothing found, 1 a target failed, 2 wrong usage.
set -eu
cd "$(dirname "$0")/.."

usage='usage: scripts/fuzz.sh [--seconds N | --runs N] [TARGET...]   (of each target; default 10 s)'
limit=-max_total_time=10
case ${1-} in
--seconds) limit=-max_total_time=${2:?$usage}; shift 2 ;;
--runs) limit=-runs=${2:?$usage}; shift 2 ;;
--help) echo "$usage"; exit 0 ;;
-*) echo "$usage" >&2; exit 2 ;;
esac
case ${limit#*=} in
*[!0-9]* | 0) echo "fuzz: give a whole number of 1 and more; $usage" >&2; exit 2 ;;
esac

known=$(cd harness/fuzz/corpus && echo *)
for target in "$@"; do
	case " $known " in
	*" $target "*) ;;
	*) echo "fuzz: there is no target '$target'; valid: $known" >&2; exit 2 ;;
	esac
done
[ $# -gt 0 ] || eval "set -- $known"

# The last number that libFuzzer prints as $1.
figure() {
	sed -n "s/^stat::$1: *//p" "$log" | tail -n 1
}

# From the root, since a target may go elsewhere.
build=$PWD/build-fuzz
total=0
failed=
printf '%-16s %12s %8s %9s %6s\n' target executions seconds features inputs
for target in "$@"; do
	new=$build/corpus/$target
	log=$build/$target.log
	mkdir -p "$new" "$build/findings"
	began=$(date +%s)
	status=0
	"$build/fuzz-$target" "$limit" -max_len=8192 -timeout=10 -rss_limit_mb=2048 \
		-print_final_stats=1 -artifact_prefix="$build/findings/$target-" \
		"$new" "$PWD/harness/fuzz/corpus/$target" >"$log" 2>&1 || status=$?
	executions=$(figure number_of_executed_units)
	features=$(sed -n 's/.* ft: \([0-9]*\).*/\1/p' "$log" | tail -n 1)
	total=$((total + ${executions:-0}))
	printf '%-16s %12s %8s %9s %6s\n' "$target" "${executions:-?}" \
		$(($(date +%s) - began)) "${features:-?}" "$(find "$new" -type f | wc -l)"
	[ "$status" -eq 0 ] && continue
	failed=1
	input=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
	what=$(grep -m 1 -E 'must be so|ERROR: |runtime error' "$log" || tail -n 1 "$log")
	echo "fuzz: $target failed: $what" >&2
	echo "  what it printed:  $log" >&2
	[ -z "$input" ] || echo "  the input:        $input
  again:            $build/fuzz-$target $input" >&2
done
printf '%-16s %12s\n' total "$total"
[ -z "$failed" ] || { echo 'fuzz: something was found' >&2; exit 1; }
echo 'fuzz: nothing found'
