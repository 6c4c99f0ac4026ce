#!/bin/sh
# Measures one run, interleaved, and compares what is in it. WHAT is
#
#   interleaving  Does interleaving hold? Two labels for the same allocator: whatever differs between
#                 them is noise. Prints each cell's ratio and the share of cells further apart than
#                 5%. In 40 rounds, about 3 minutes: on a virtual machine, workers differ too much for
#                 fewer.
#   estimators    Which figure of a worker's warm builds holds still, and still sees a slowdown of 5%, a
#                 slow build in ten, and every other build slow? A few minutes.
#   trace         What does the interposer of the trace pass cost? Cells of 1 ms and more with it and
#                 without. About a minute.
#   containers    Are our kernels honest? realloc_doubling against the containers that do the same
#                 work, warm, on the same allocator: the ratio in each cell, and geometric means over
#                 the sizes. A few minutes.
#   parameters    Does a parameter cost anything? realloc_factor:2 and :1.5 against the strategies that
#                 have these factors as constants, warm. A few minutes.
#
# usage: OUT=... ARGS=... scripts/bench-within.sh WHAT path/to/growbench
set -eu
[ "${1-}" != --help ] || { sed -n '2,/^[^#]*$/s/^# \{0,1\}//p' "$0"; exit 0; }

what=$1 growbench=$2
here=$(dirname "$0")
python=$("$here/find-python")
out=${OUT:-results/$what-$(date -u +%Y%m%dT%H%M%SZ)}

case $what in
interleaving)
	set -- --preset "${PRESET:-default}" --rounds 40 --allocators a,b --allocator a=jemalloc --allocator b=jemalloc ;;
estimators)
	known=$(dirname "$growbench")/growbench-known-worker
	linear=append_in_place,realloc_doubling,realloc_x1.5,realloc_cpython,list_of_pointers
	linear=$linear,preallocate_then_fill,preallocate_zeroed,chunked_list,std_vector
	set -- --worker "known=$known" --implementations known,c,cpp --passes measure \
		--strategies "slowed_doubling,$linear" --rows 100,1k,3k,10k,30k,100k --no-summary \
		--timeline none
	labels=
	for plant in 5pc:5 tenth+100pc:100/10 tenth+900pc:900/10 half+30pc:30/2; do
		name=glibc+${plant%:*}
		set -- "$@" --allocator "base.$name=glibc,GROWBENCH_SLOWER=0" \
			--allocator "new.$name=glibc,GROWBENCH_SLOWER=${plant#*:}"
		labels=$labels,base.$name,new.$name
	done
	set -- "$@" --allocators "${labels#,}" ;;
trace)
	set -- --rounds 3 --rows 10k,100k --passes measure,trace --timeline none --no-summary ;;
containers)
	set -- --strategies realloc_doubling,std_vector,glib_array,utarray --row-bytes 8,80 \
		--rows 10,100,1k,10k,100k --passes measure --no-summary ;;
parameters)
	set -- --strategies realloc_doubling,realloc_factor:2,realloc_x1.5,realloc_factor:1.5 \
		--row-bytes 8,80 --rows 100,1k,10k --allocators glibc,jemalloc --rounds 20 \
		--passes measure --no-summary ;;
*)
	echo "error: unknown $what; see $0 --help" >&2
	exit 2 ;;
esac
status=0
# shellcheck disable=SC2086 # ARGS is a list of words
"$growbench" run "$@" --out "$out" ${ARGS-} >&2 || status=$?
# 3: some workers failed; 4 would be that what is to be compared was not measured.
[ "$status" -eq 0 ] || [ "$status" -eq 3 ] || exit "$status"
case $what in
estimators)
	"$python" "$here/growbench" bench-estimators "$out" ;;
interleaving)
	"$python" "$here/growbench" compare-within "$out" a b ;;
trace)
	"$python" "$here/growbench" tracer-cost "$out" ;;
containers)
	for container in std_vector glib_array utarray; do
		"$python" "$here/growbench" compare-within "$out" realloc_doubling $container \
			--metric warm_build_release
	done ;;
parameters)
	for pair in "realloc_doubling realloc_factor:2" "realloc_x1.5 realloc_factor:1.5"; do
		# shellcheck disable=SC2086 # two words
		"$python" "$here/growbench" compare-within "$out" $pair --metric warm_build_release
	done ;;
esac
