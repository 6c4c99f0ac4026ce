#!/bin/sh
# Installs what growbench needs on Debian and Ubuntu, and nothing that is there already. Elsewhere,
# or without the rights, it names the packages and ends with 1.
#
# A word with '|' names alternatives: the first that is installed or can be had.
set -eu

build='gcc g++ make cmake pkg-config git libbenchmark-dev libhwloc-dev libjansson-dev
libglib2.0-dev uthash-dev'
allocators='libjemalloc2 libmimalloc2.0|libmimalloc2.1|libmimalloc3
libtcmalloc-minimal4|libtcmalloc-minimal4t64 libtbbmalloc2
libclang-rt-14-dev|libclang-rt-18-dev|libclang-rt-19-dev'
scripts='python3 python3-numpy python3-pandas python3-scipy python3-matplotlib
python3-jinja2 weasyprint'
tests='libcmocka-dev libpcre2-dev python3-pytest python3-pytest-xdist python3-hypothesis
binutils strace valgrind perl libbenchmark-tools clang
chromium|chromium-browser chromium-driver|chromium-chromedriver python3-selenium poppler-utils'
lint='clang-format clang-tidy cppcheck shellcheck black flake8 mypy gcovr python3-coverage'

usage='usage: scripts/setup.sh [--with-lint]'
wanted="$build $allocators $scripts $tests"
case ${1-} in
'') ;;
--with-lint) wanted="$wanted $lint" ;;
--help) echo "$usage"; exit 0 ;;
*) echo "$usage" >&2; exit 2 ;;
esac

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
	echo 'setup: this is no Debian or Ubuntu. Please install what these packages hold:' >&2
	for word in $wanted; do echo "  ${word%%|*}" >&2; done
	exit 1
fi

installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p')

is_installed() {
	printf '%s\n' "$installed" | grep -qxF -- "$1"
}

# The alternative of a word that is installed: status 1 if none is.
any_installed() {
	for name in $(echo "$1" | tr '|' ' '); do
		if is_installed "$name"; then return 0; fi
	done
	return 1
}

missing=
for word in $wanted; do
	any_installed "$word" || missing="$missing $word"
done
if [ -z "$missing" ]; then
	echo 'setup: everything is installed'
	exit 0
fi

as_root=
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo 'setup: only root can install packages, and there is no sudo. Please have root run:' >&2
		echo "  apt-get install$(echo "$missing" | sed 's/|[^ ]*//g')" >&2
		exit 1
	fi
	as_root=sudo
fi

echo 'setup: updating the package lists'
$as_root apt-get update -qq

packages=
unknown=
for word in $missing; do
	found=
	for name in $(echo "$word" | tr '|' ' '); do
		if apt-cache show "$name" >/dev/null 2>&1; then found=$name; break; fi
	done
	if [ -n "$found" ]; then
		packages="$packages $found"
		continue
	fi
	# An allocator that cannot be had is reported by the runner and costs nothing else.
	case " $(echo "$allocators" | tr '\n' ' ') " in
	*" $word "*) echo "setup: no package ${word%%|*} here; going on without that allocator" >&2 ;;
	*) unknown="$unknown ${word%%|*}" ;;
	esac
done
if [ -n "$unknown" ]; then
	echo "setup: this system has no package named$unknown" >&2
	echo 'Please install what they hold, then run make setup again.' >&2
	exit 1
fi
if [ -n "$packages" ]; then
	echo "setup: installing$packages"
	# shellcheck disable=SC2086 # a list of words
	$as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -qq --no-install-recommends $packages
fi
echo 'setup: done'
