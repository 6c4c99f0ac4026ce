#!/bin/sh
# The example in README.md is example.c, which is compiled. usage: test_readme.sh FOLDER
set -eu

# shellcheck disable=SC2016 # the backquotes are Markdown's
sed -n '/^```c$/,/^```$/p' "$1/README.md" | sed '1d;$d' | diff - "$1/example.c"
