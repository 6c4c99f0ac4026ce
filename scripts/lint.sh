#!/bin/sh
# Formatting and static checks of all tracked sources; with --fix, formats them instead.
# Needs a configured build/ (for clang-tidy's compile commands), where it keeps what it found clean.

# shellcheck disable=SC2046,SC2086 # lists of words throughout
set -u
[ "${1-}" != --help ] || { sed -n '2,/^[^#]*$/s/^# \{0,1\}//p' "$0"; exit 0; }
cd "$(dirname "$0")/.." || exit 1

# With --tidy FILE CONTEXT: clang-tidy of one file, unless it and its context were clean before.
if [ "${1-}" = --tidy ]; then
	clean=build/lint/$({ cat "$2"; echo "$2 $3"; } | sha256sum | cut -d ' ' -f 1)
	[ ! -e "$clean" ] || exit 0
	# The last one of such flags counts: clang 14 does not take the value that GCC's builds use.
	said=$(clang-tidy --quiet -p build/lint --extra-arg=-ftrivial-auto-var-init=uninitialized "$2" 2>&1)
	status=$?
	said=$(echo "$said" | grep -avE '^[0-9]+ warnings? generated|^Suppressed|^Use -header')
	if [ "$status" -eq 0 ] && [ -z "$said" ]; then
		: >"$clean"
		exit 0
	fi
	echo "${said:-$2: clang-tidy ended with $status}"
	exit 1
fi

for tool in clang-format clang-tidy cppcheck shellcheck black flake8 mypy; do
	command -v "$tool" >/dev/null && continue
	echo "lint: $tool is not installed; make setup lint installs it" >&2
	exit 1
done

c_headers=$(git ls-files '*.h' '*.hh')
c_files="$(git ls-files '*.c' '*.cc') $c_headers"
python_files=$(git ls-files '*.py')
# Extensionless shell scripts have sh in their first line.
shell_files=$(git ls-files '*.sh' scripts/find-python .ci/run .ci/gate)

if [ "${1-}" = --fix ]; then
	clang-format -i $c_files
	black -q --config scripts/pyproject.toml $python_files
	exit
fi

# clang-tidy of these files, each once however many targets are compiled from it.
tidy() {
	python3 -c 'import json
commands = {entry["file"]: entry for entry in json.load(open("build/compile_commands.json"))}
json.dump(list(commands.values()), open("build/lint/compile_commands.json", "w"))' || return
	context=$({ cat .clang-tidy build/lint/compile_commands.json scripts/lint.sh $c_headers
		clang-tidy --version; } | sha256sum)
	printf '%s\n' "$@" | xargs -P "$(nproc)" -I '{}' scripts/lint.sh --tidy '{}' "$context"
}

# cppcheck does not fail for what it finds across files: whatever it says is a fault. A test that is
# out of memory ends, and with it all that it has.
cpp_check() {
	said=build/lint/cppcheck.log
	cppcheck --quiet --enable=warning,performance,portability --error-exitcode=1 --inline-suppr \
		--suppress='memleakOnRealloc:*/tests/*' --std=c11 --std=c++17 -I . -j "$(nproc)" \
		--cppcheck-build-dir=build/lint/cppcheck "$@" >$said 2>&1 && [ ! -s $said ] && return
	cat $said
	return 1
}

failed=
check() {
	echo "lint: $1"
	shift
	"$@" || failed=1
}

mkdir -p build/lint/cppcheck
check clang-format clang-format --dry-run -Werror $c_files
check clang-tidy tidy $(git ls-files ':!*/tests/*' 'kernels/*.c' 'kernels/*.cc' \
	'harness/common/*.c' 'harness/profile/*.c' 'harness/record/*.c' 'harness/worker/*.c' \
	'harness/runner/*.c' 'harness/trace/*.c' 'harness/fuzz/*.c' 'harness/selftest/*.c')
check cppcheck cpp_check $c_files
check layers python3 scripts/check-layers.py
check shellcheck shellcheck $shell_files
check black black -q --check --config scripts/pyproject.toml $python_files
check flake8 flake8 --config scripts/.flake8 $python_files
check mypy mypy --config-file scripts/pyproject.toml scripts/growbench scripts/workers scripts/*.py
# A folder at a time, as there is a conftest.py in several; pytest gives tests what they ask for.
for folder in $(git ls-files '*/tests/*.py' | xargs -n 1 dirname | sort -u); do
	check "mypy $folder" mypy --config-file scripts/pyproject.toml --allow-untyped-defs \
		--disable-error-code annotation-unchecked "$folder"
done
if [ -n "$failed" ]; then
	echo 'lint: not clean' >&2
	exit 1
fi
echo 'lint: clean'
