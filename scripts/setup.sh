#!/bin/sh
# Installs what growbench needs on Debian and Ubuntu, and nothing that is there already. Elsewhere,
# or without the rights, it names the packages and ends with 1.
#
# A word with '|' names alternatives, the newest first: one that is installed is kept, else the first
# that this system can install is taken.
set -eu
LC_ALL=C
export LC_ALL

measure='gcc g++ make cmake pkg-config git libbenchmark-dev libhwloc-dev libjansson-dev
libglib2.0-dev uthash-dev zlib1g-dev python3 python3-numpy valgrind'
allocators='libjemalloc2 libmimalloc3|libmimalloc2.1|libmimalloc2.0
libtcmalloc-minimal4t64|libtcmalloc-minimal4 libtbbmalloc2
libclang-rt-dev|libclang-rt-18-dev|libclang-rt-14-dev'
plot='python3-pandas python3-scipy python3-matplotlib'
report='python3-jinja2 weasyprint'
tests='libcmocka-dev libpcre2-dev python3-pytest python3-pytest-xdist python3-hypothesis
binutils strace perl libbenchmark-tools clang
chromium|chromium-browser chromium-driver|chromium-chromedriver python3-selenium poppler-utils'
lint='clang-format clang-tidy cppcheck shellcheck black flake8 mypy gcovr python3-coverage debootstrap'

usage='usage: scripts/setup.sh [--only-measure] [--with-report] [--with-tests] [--with-lint]

Installs what measuring and plotting need, and with

  --only-measure  what measuring needs; what plots need is only downloaded, for a second call
  --with-report   what reports need as well: HTML and PDF
  --with-tests    what reports and tests need as well
  --with-lint     what make format, make lint, make coverage and try-system.sh need as well'
wanted="$measure $allocators"
later=
with=$plot
for word in "$@"; do
	case $word in
	--only-measure) later=$plot ;;
	--with-report) with="$with $report" ;;
	--with-tests) with="$with $report $tests" ;;
	--with-lint) with="$with $lint" ;;
	--help) echo "$usage"; exit 0 ;;
	*) echo "setup: unknown word '$word'; $usage" >&2; exit 2 ;;
	esac
done

as_root=
if [ "$(id -u)" -ne 0 ]; then as_root=sudo; fi
# Nobody is there to type a password when the measurements have ended.
if [ -n "$as_root" ] && ! sudo -n true 2>/dev/null; then later=; fi
[ -n "$later" ] || wanted="$wanted $with"

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
	echo 'setup: this is no Debian or Ubuntu. Please install what these packages hold:' >&2
	for word in $wanted $later; do echo "  ${word%%|*}" >&2; done
	exit 1
fi

# The first name of the alternatives $1 that is a line of $2.
first_of() {
	for name in $(echo "$1" | tr '|' ' '); do
		if printf '%s\n' "$2" | grep -qxF -- "$name"; then
			echo "$name"
			return
		fi
	done
	return 1
}

installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p')
missing=
for word in $wanted $later; do
	first_of "$word" "$installed" >/dev/null || missing="$missing $word"
done
if [ -z "$missing" ]; then
	echo 'setup: everything is installed'
	exit 0
fi
if [ -n "$as_root" ] && ! command -v sudo >/dev/null; then
	echo 'setup: only root can install packages, and there is no sudo. Please have root run:' >&2
	echo "  apt-get install$(echo "$missing" | sed 's/|[^ ]*//g')" >&2
	exit 1
fi

echo 'setup: updating the package lists'
$as_root apt-get update -qq

# A name alone says nothing: there are packages that are only named by others, and have no candidate.
# shellcheck disable=SC2046 # a list of words
candidates=$(apt-cache policy $(echo "$missing" | tr '|' ' ') |
	awk '/^[^ ]/ { name = $1; sub(":$", "", name) } $1 == "Candidate:" && $2 != "(none)" { print name }')
packages=
later_packages=
unknown=
for word in $missing; do
	if name=$(first_of "$word" "$candidates"); then
		case " $later " in
		*" $word "*) later_packages="$later_packages $name" ;;
		*) packages="$packages $name" ;;
		esac
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

# shellcheck disable=SC2086 # lists of words
install() {
	$as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -qq --no-install-recommends "$@"
}
if [ -n "$packages" ]; then
	echo "setup: installing$packages"
	# shellcheck disable=SC2086
	install $packages
fi
if [ -n "$later_packages" ]; then
	echo "setup: downloading$later_packages"
	# shellcheck disable=SC2086
	install --download-only $later_packages
fi
echo 'setup: done'
