#!/bin/sh
# Runs all tests with counters in C and in Python, and prints which share of the lines ran, by folder.
# What a process ran that was killed, or that ended by _exit or exec, is not in it: nor are workers in
# Python, which all end so.
set -u
cd "$(dirname "$0")/.." || exit 1

build=$PWD/build-coverage
counters=$build/python
python=$(scripts/find-python --with-pytest) || exit 1
if ! { command -v gcovr && "$python" -c 'import coverage'; } >/dev/null 2>&1; then
	echo 'coverage: gcovr or python3-coverage is not installed; make setup coverage installs both' >&2
	exit 1
fi

cmake --preset coverage --log-level=WARNING >/dev/null || exit 1
cmake --build --preset coverage --parallel "$(nproc)" >/dev/null || exit 1
find "$build" -name '*.gcda' -delete
rm -rf "$counters"
mkdir "$counters"

# Every Python that is started counts: this module is loaded by all that look into the folder.
cat >"$counters/settings" <<END
[run]
source = $PWD/scripts
omit =
	$PWD/scripts/tests/*
	$PWD/scripts/workers/*
	$PWD/scripts/python_worker.py
data_file = $counters/data
parallel = true
concurrency = thread,multiprocessing
END
echo 'import coverage; coverage.process_startup()' >"$counters/sitecustomize.py"
export COVERAGE_PROCESS_START="$counters/settings" PYTHONPATH="$counters"

# trace-oracle compares counts with other tools', in which the counters' own files are.
echo "coverage: running all tests, into $build/tests.log" >&2
ctest --preset coverage -E '^trace-oracle$' >"$build/tests.log" 2>&1
tests=$?
unset COVERAGE_PROCESS_START PYTHONPATH

# Reads "FILE LINES COVERED"; prints a line for each folder, and one for all of them.
table() {
	awk -v language="$1" '
		function add(folder) { lines[folder] += $2; covered[folder] += $3 }
		{ folder = $1; sub("/[^/]*$", "", folder); add(folder); add("~ all") }
		END { for (folder in lines) printf "%-8s %-36s %7d %8.1f%%\n", language, folder,
			lines[folder], 100 * covered[folder] / lines[folder] }' | LC_ALL=C sort
}

printf '%-8s %-36s %7s %9s\n' language folder lines covered
# Counts of branches that threads made at once may be below zero; lines are what is asked for.
gcovr --root . --filter kernels/ --filter harness/ --exclude '.*/tests/' --exclude build-coverage/ \
	--gcov-ignore-parse-errors "$build" --csv - 2>"$build/gcovr.log" |
	awk -F, 'NR > 1 { print $1, $2, $3 }' | table C
"$python" -m coverage combine -q --rcfile="$counters/settings" "$counters" &&
	"$python" -m coverage report --rcfile="$counters/settings" | awk '/\.py / { print $1, $2, $2 - $3 }' |
	table Python
[ "$tests" -eq 0 ] || echo "coverage: tests failed, so more may be covered: $build/tests.log" >&2
exit "$tests"
