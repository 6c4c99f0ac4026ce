#!/bin/sh
# Are our kernels honest? realloc_doubling against the containers that do the same work, warm, on the
# same allocator, interleaved in one run: the ratio in each cell, and geometric means over the sizes.
# A few minutes.
#
# usage: OUT=... ARGS=... scripts/bench-containers.sh path/to/growbench
set -eu
[ "${1-}" != --help ] || { sed -n '2,/^[^#]*$/s/^# \{0,1\}//p' "$0"; exit 0; }

growbench=$1
here=$(dirname "$0")
python=$("$here/find-python")
out=${OUT:-results/containers-$(date -u +%Y%m%dT%H%M%SZ)}

status=0
# shellcheck disable=SC2086 # ARGS is a list of words
"$growbench" run --strategies realloc_doubling,std_vector,glib_array,utarray --row-bytes 8,80 \
	--rows 10,100,1k,10k,100k --passes measure --no-summary --out "$out" ${ARGS-} >&2 || status=$?
# 3: some workers failed; 4 would be that what is to be compared was not measured.
[ "$status" -eq 0 ] || [ "$status" -eq 3 ] || exit "$status"
for container in std_vector glib_array utarray; do
	"$python" "$here/growbench" compare-within "$out" realloc_doubling $container \
		--metric warm_build_release
done
