#!/bin/sh
# with_allocator.sh GROWBENCH ALLOCATOR PRELOAD PROGRAM [ARGUMENT...]: runs the program with PRELOAD
# (the interposer, and what else) in front of one of growbench's allocators. Ends with 77, which is
# "skipped" to CTest, if the allocator is not installed, or the loader cannot take a second library, as
# under an emulator with larger pages than the machine's.
set -eu

growbench=$1
allocator=$2
preload=$3
shift 3

library=$("$growbench" list | sed -n "s|^  $allocator  *\(/.*\)$|\1|p" | head -n 1)
if [ -z "$library" ]; then
	echo "skipped: $allocator is not installed"
	exit 77
fi
if [ -n "$(env LD_PRELOAD="libm.so.6:$library" true 2>&1)" ]; then
	echo "skipped: the loader cannot preload a second library here, such as $library"
	exit 77
fi
if [ "$allocator" != glibc ]; then preload=$preload:$library; fi
exec env LD_PRELOAD="$preload" "$@"
