#!/bin/sh
# Are the tools there that a build begins with, and those given? CMake looks for the libraries.
[ "${1-}" != --help ] || { sed -n '2,/^[^#]*$/s/^# \{0,1\}//p' "$0"; exit 0; }
missing=
for tool in cmake cc c++ make pkg-config "$@"; do
	command -v "$tool" >/dev/null || missing="$missing $tool"
done
[ -z "$missing" ] && exit 0
echo "growbench needs what is not here:$missing" >&2
echo 'On Debian and Ubuntu this installs all of it:  make setup' >&2
exit 1
