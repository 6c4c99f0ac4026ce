#!/bin/bash
# Does growbench work on another system? Makes a minimal Debian in a folder of its own, clones the
# commit that is checked out into it, and runs the README's two commands there.
set -u
cd "$(dirname "$0")/.." || exit 1

suites='bookworm trixie sid'
usage="usage: scripts/try-system.sh [OPTION...] SUITE [ARCHITECTURE]

Makes a minimal system (debootstrap, or mmdebstrap where it is installed) with git, make and
ca-certificates, clones this commit into it, and prints a line for each of

  make setup bench    its default run; of another processor's system: PRESET=quick
  make setup test

  SUITE            ${suites// /, } (stable and unstable mean two of these)
  ARCHITECTURE     that of this machine (the default), or another that QEMU runs, such as arm64
  --short          a quick run, and the tests that are in C
  --commit REV     another commit than the one that is checked out
  --page-size N[,N ...]  pages of N bytes, where QEMU runs the system, one after the other
  --mirror URL     a mirror of Debian (default: that of debootstrap, or of mmdebstrap)
  --old-mirror     take package lists that have expired, of a mirror that lags behind
  --keep           leave the system and the logs where they are
  --in FOLDER      no new system, but one that --keep has left, with the commit of now

Needs root. Takes 10 to 20 minutes; under QEMU an hour or more, and times mean nothing there.

exit status: 0 both passed, 1 one did not (the end of its log is printed), 2 wrong usage,
3 no such system could be made here

examples:
  scripts/try-system.sh trixie
  scripts/try-system.sh --short bookworm
  scripts/try-system.sh --page-size 4096,16384,65536 trixie arm64"

die() {
	status=$1
	shift
	printf 'try-system: %s\n' "$@" >&2
	exit "$status"
}

short=
revision=HEAD
page_sizes=
mirror=
old_mirror=
keep=
work=
while [ $# -gt 0 ]; do
	case $1 in
	--help) echo "$usage"; exit 0 ;;
	--short) short=1 ;;
	--old-mirror) old_mirror=1 ;;
	--keep) keep=1 ;;
	--commit | --page-size | --mirror | --in)
		[ $# -gt 1 ] || die 2 "$1 needs a value; --help has examples"
		case $1 in
		--commit) revision=$2 ;;
		--page-size) page_sizes=${2//,/ } ;;
		--mirror) mirror=$2 ;;
		--in)
			work=$2 keep=1
			[ -d "$work/root/root/growbench" ] || die 2 "no system was left in '$work'"
			;;
		esac
		shift
		;;
	-*) die 2 "unknown option '$1'; --help lists them" ;;
	*) break ;;
	esac
	shift
done
[ $# -eq 1 ] || [ $# -eq 2 ] || die 2 'say which system: SUITE [ARCHITECTURE]' "the suites are: $suites"
suite=$1
case $suite in
stable) suite=trixie ;;
unstable) suite=sid ;;
esac
case " $suites " in
*" $suite "*) ;;
*) die 2 "unknown suite '$1'; the suites are: $suites" ;;
esac
case $page_sizes in
*[!0-9\ ]*) die 2 "--page-size takes numbers of bytes, such as 16384,65536, not '${page_sizes// /,}'" ;;
esac
commit=$(git rev-parse --verify --quiet "$revision^{commit}") || die 2 "there is no commit '$revision'"
[ "$(id -u)" -eq 0 ] || die 3 'only root can make a system: sudo scripts/try-system.sh ...'
own=$(dpkg --print-architecture 2>/dev/null) || die 3 'this is no Debian or Ubuntu: there is no dpkg'
architecture=${2-$own}
if command -v mmdebstrap >/dev/null; then
	maker=mmdebstrap
elif command -v debootstrap >/dev/null; then
	maker=debootstrap
else
	die 3 'neither debootstrap nor mmdebstrap is here: apt-get install debootstrap'
fi
processor=$(dpkg-architecture -a "$architecture" -qDEB_HOST_GNU_CPU 2>/dev/null) || processor=$architecture
[ "$architecture" != arm64 ] || processor=aarch64
binfmt=/proc/sys/fs/binfmt_misc
if [ "$architecture" != "$own" ] && ! grep -qs '^flags: .*F' "$binfmt/qemu-$processor"; then
	die 3 "no QEMU runs programs of $architecture here. As root:" \
		'  apt-get install qemu-user-static binfmt-support arch-test' \
		"  mount -t binfmt_misc binfmt_misc $binfmt; update-binfmts --enable"
fi
[ -z "$page_sizes" ] || [ "$architecture" != "$own" ] ||
	die 2 '--page-size is of systems that QEMU runs: name another architecture'
[ -z "$(git status --porcelain)" ] ||
	echo 'try-system: what is not committed is not tried' >&2

made=$work
[ -n "$made" ] || work=$(mktemp -d "${TMPDIR:-/tmp}/growbench-$suite-$architecture-XXXXXX") || exit 3
root=$work/root
# shellcheck disable=SC2317,SC2329 # called by trap
clean_up() {
	if [ -n "$keep" ]; then
		echo "try-system: left in $work" >&2
	else
		rm -rf --one-file-system "$work"
	fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM

page_size=
# What QEMU is told: the size of a page; a processor without memory tagging, with which Scudo stops.
emulator() {
	[ "$architecture" != "$own" ] || return
	[ -z "$page_size" ] || echo "QEMU_PAGESIZE=$page_size"
	[ -z "$addresses" ] || echo "QEMU_RESERVED_VA=$addresses"
	[ "$architecture" != arm64 ] || echo QEMU_CPU=neoverse-n1
}

# Before version 8 it keeps account of each page that was ever reserved, in memory: so addresses are
# few there (8 GiB), and Scudo, which wants 180 GiB of them, is left out.
addresses=
without=
if [ "$architecture" != "$own" ]; then
	qemu=$(readlink -f "$(sed -n 's/^interpreter //p' "$binfmt/qemu-$processor")")
	qemu=$("$qemu" --version | sed -n 's/.* version \([0-9.]*\).*/\1/p')
	if [ "${qemu%%.*}" -lt 8 ]; then
		addresses=0x200000000
		without=scudo
	fi
fi

# inside COMMAND: in the new system, with nothing of this one's environment, and none of its mounts
# left when the command has ended.
inside() {
	# shellcheck disable=SC2016 # the inner shell expands these
	unshare --mount --pid --fork --kill-child sh -c '
		mount -t proc proc "$0/proc" && mount --rbind /sys "$0/sys" && mount --rbind /dev "$0/dev" &&
		exec chroot "$0" /usr/bin/env -i HOME=/root TERM=dumb LC_ALL=C.UTF-8 $2 \
			PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin sh -c "$1"' \
		"$root" "$1" "$(emulator)" </dev/null
}

make_system() {
	if [ "$maker" = mmdebstrap ]; then
		mmdebstrap --quiet --variant=minbase --include=git,make,ca-certificates \
			${old_mirror:+"--aptopt=Acquire::Check-Valid-Until \"false\""} \
			--architectures="$architecture" "$suite" "$root" ${mirror:+"$mirror"}
	else
		debootstrap --variant=minbase --include=git,make,ca-certificates \
			--arch="$architecture" "$suite" "$root" ${mirror:+"$mirror"}
	fi
}

# Its settings, and the commit that is tried.
prepare_system() {
	[ -z "$old_mirror" ] || echo 'Acquire::Check-Valid-Until "false";' >"$root/etc/apt/apt.conf.d/99old-mirror"
	[ -z "$without" ] || printf 'Package: libclang-rt*\nPin: version *\nPin-Priority: -1\n' \
		>"$root/etc/apt/preferences.d/no-$without"
	cp /etc/resolv.conf "$root/etc/resolv.conf"
	[ -n "$made" ] || git clone --quiet --no-checkout . "$root/root/growbench"
	git -C "$root/root/growbench" fetch --quiet "$PWD" "$commit" &&
		git -C "$root/root/growbench" checkout --quiet --force "$commit"
}

[ -n "$made" ] || echo "try-system: making a minimal $suite ($architecture) in $work" >&2
{ { [ -n "$made" ] || make_system; } && prepare_system; } >"$work/make.log" 2>&1 || {
	tail -n 5 "$work/make.log" >&2
	keep=1
	die 3 "no system of $suite could be made; the whole log: $work/make.log" \
		'(a mirror whose lists have expired: --old-mirror)'
}

# What came of the newest run: when it began to measure, counted from $1, and its rows.
run_since() {
	local began folder
	# shellcheck disable=SC2012 # the names are growbench's own
	folder=$(ls -td "$root"/root/growbench/results/*-*Z 2>/dev/null | head -n 1)
	[ -n "$folder" ] || return
	began=$(sed -n 's/^ *"started_utc": "\([^"]*\)".*/\1/p' "$folder/machine.json")
	began=$(($(date -d "$began" +%s) - $1))
	[ "$began" -ge 0 ] || return
	echo ", first measurement after $began s," \
		"$(($(wc -l <"$folder/runs.csv") - 1)) rows"
}

# From version 10 on QEMU has no pages of another size.
for page_size in $page_sizes; do
	[ "$(inside 'getconf PAGESIZE' 2>/dev/null)" = "$page_size" ] ||
		die 3 "QEMU gives its programs no pages of $page_size bytes here"
done
page_size=

failed=0
# try NAME COMMAND: prints a line, and the end of what the command printed if it failed.
try() {
	local name=$1 log=$work/${1//[^a-z]/-}${page_size:+-$page_size}.log start seconds word=pass status=0 detail=
	echo "try-system: $name ($suite $architecture${page_size:+, pages of $page_size bytes})" >&2
	start=$(date +%s)
	inside "cd /root/growbench && $2" >"$log" 2>&1 || status=$?
	seconds=$(($(date +%s) - start))
	case $name in
	*bench*) detail=$(run_since "$start") ;;
	# CTest counts what was skipped as passed.
	*test*) detail=$(sed -n 's/^\([0-9]*% tests passed.* out of [0-9]*\).*/, \1/p' "$log")
		detail="$detail${detail:+, $(grep -c '[*]Skipped' "$log") of them skipped}" ;;
	esac
	[ "$status" -eq 0 ] || word=FAIL
	echo "$word  $suite $architecture${page_size:+ $page_size}: $name: status $status, $seconds s$detail"
	[ "$status" -eq 0 ] || {
		failed=1
		keep=1
		tail -n 30 "$log" >&2
		echo "try-system: the whole log: $log" >&2
	}
}

packages='gcc clang cmake libc6 libbenchmark-dev libglib2.0-dev libhwloc-dev libjansson-dev zlib1g-dev
libjemalloc2 libmimalloc2.0 libmimalloc3 libtcmalloc-minimal4 libtcmalloc-minimal4t64 libtbbmalloc2
libclang-rt-dev python3 python3-numpy python3-pandas python3-scipy python3-matplotlib'

preset=
[ "$architecture" = "$own" ] && [ -z "$short" ] || preset=' PRESET=quick'
tests='test'
[ -z "$short" ] || tests='build-tests && ctest --preset default --label-exclude python'
if [ -z "$page_sizes" ]; then
	try "make setup bench$preset" "make setup bench$preset"
	try "make setup test${short:+, those in C}" "make setup $tests"
else
	# With pages of another size QEMU 7.2 does not let apt give up its rights.
	try 'make setup build-tests' 'make setup build-tests'
fi
for page_size in $page_sizes; do
	try "make bench$preset" "make bench$preset"
	try "make test${short:+, those in C}" "make $tests"
done
[ "$architecture" = "$own" ] || echo "      under QEMU $qemu${without:+, which has no room for $without}"
# shellcheck disable=SC2016,SC2086 # dpkg-query's own variables; a list of words
echo "      with $(chroot "$root" dpkg-query -W -f '${db:Status-Status} ${Package} ${Version}\n' $packages \
	2>/dev/null | sed -n 's/^installed //p' | paste -sd ',' | sed 's/,/, /g')"
exit "$failed"
