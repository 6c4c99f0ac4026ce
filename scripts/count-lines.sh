#!/bin/sh
# How many lines a commit has, of product and of tests, fuzz targets among the tests; data, documents
# and golden files do not count.
#
# usage: count-lines.sh [COMMIT...]        HEAD, if there is none
set -eu
[ "${1-}" != --help ] || { sed -n '2,/^[^#]*$/s/^# \{0,1\}//p' "$0"; exit 0; }
cd "$(dirname "$0")/.."
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

# count -v|-e ENDINGS: lines of the files in $tree with these endings that are not tests, or are.
count() {
	(cd "$tree" && find . -type f -regextype posix-extended -regex ".*($2)" |
		grep -E "$1" "/(tests|fuzz)/" | tr "\n" "\0" | xargs -0r cat | wc -l)
}

printf '%-12s %8s %8s %8s %8s\n' commit C Python other tests
for commit in "${@:-HEAD}"; do
	rm -rf "${tree:?}"/*
	git archive "$commit" | tar -xf - -C "$tree" --exclude=results
	printf '%-12s %8s %8s %8s %8s\n' "$(git rev-parse --short "$commit")" \
		"$(count -v '\.(c|h|cc|hh|def)')" "$(count -v '\.py')" \
		"$(count -v '\.(sh|cmake|in|js|css|html)|CMakeLists.txt|Makefile|Containerfile|find-python')" \
		"$(count -e '\.(c|h|cc|hh|py|sh)')"
done
