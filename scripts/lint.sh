#!/bin/sh
# Formatting and static checks of all tracked sources; with --fix, formats them instead.
# Needs a configured build/ (for clang-tidy's compile commands).
# shellcheck disable=SC2046,SC2086 # lists of words throughout
set -u
cd "$(dirname "$0")/.." || exit 1

for tool in clang-format clang-tidy shellcheck black flake8 mypy; do
	command -v "$tool" >/dev/null && continue
	echo "lint: $tool is not installed; make setup-lint installs it" >&2
	exit 1
done

c_files=$(git ls-files '*.c' '*.h' '*.cc' '*.hh')
python_files=$(git ls-files '*.py')
# Extensionless shell scripts have sh in their first line.
shell_files=$(git ls-files '*.sh' scripts/find-python .ci/run)

if [ "${1-}" = --fix ]; then
	clang-format -i $c_files
	black -q --config scripts/pyproject.toml $python_files
	exit
fi

failed=
check() {
	echo "lint: $1"
	shift
	"$@" || failed=1
}

check clang-format clang-format --dry-run -Werror $c_files
check clang-tidy sh -c 'clang-tidy --quiet -p build "$@" 2>&1 |
	grep -vE "^[0-9]+ warnings? generated|^Suppressed|^Use -header" ; test "$?" -ne 0' sh \
	$(git ls-files ':!*/tests/*' 'kernels/*.c' 'kernels/*.cc' 'harness/common/*.c' \
		'harness/worker/*.c' 'harness/runner/*.c' 'harness/selftest/*.c' 'harness/trace/*.c')
check shellcheck shellcheck $shell_files
check black black -q --check --config scripts/pyproject.toml $python_files
check flake8 flake8 --config scripts/.flake8 $python_files
check mypy mypy --config-file scripts/pyproject.toml scripts/growbench scripts/*.py
if [ -n "$failed" ]; then
	echo 'lint: not clean' >&2
	exit 1
fi
echo 'lint: clean'
