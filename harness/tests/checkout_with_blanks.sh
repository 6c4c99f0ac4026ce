#!/bin/sh
# A checkout whose path has blanks and umlauts, such as one in a home folder: it configures, builds,
# measures and plots, into a folder of such a name.
#
# usage: checkout_with_blanks.sh path/to/checkout
set -eu

above=$(mktemp -d)
trap 'rm -rf "$above"' EXIT
checkout="$above/Größe mit Blank/growbench"
mkdir -p "$checkout"
export HOME="$above/Größe mit Blank" TMPDIR="$above/Größe mit Blank"
tar -C "$1" -cf - --exclude=./.git --exclude='./build*' --exclude='./results/*' . |
	tar -C "$checkout" -xf -
cd "$checkout"

# What is built faster will do.
cmake -S . -B build -DCMAKE_BUILD_TYPE=Debug --log-level=WARNING
cmake --build build --parallel "$(nproc)" >build/log || { cat build/log; exit 1; }
# The interposer alone, and in front of another library, of which an emulator may preload one only.
allocators=glibc
[ "${GROWBENCH_TEST_TIMEOUT_FACTOR:-1}" -gt 1 ] || allocators=glibc,jemalloc
out='results/erste Läufe'
make -o build bench PRESET=quick OUT="$out" ARGS="--implementations c,numpy --rows 100 --rounds 1 \
	--strategies loop_and_append,realloc_doubling --allocators $allocators"

# Traced as well: the interposer lies in that path.
wrong=$(tail -n +2 "$out/runs.csv" | grep -vc ',ok,measured,' || true)
traced=$(grep -c ',trace,.*,ok,measured,' "$out/runs.csv" || true)
if [ "$wrong" -ne 0 ] || [ "$traced" -eq 0 ] || [ ! -s "$out/plots/heat_map_cold.png" ]; then
	echo "checkout_with_blanks: $wrong rows are not ok, $traced are traced" >&2
	cat "$out/runs.csv"
	ls "$out/plots"
	exit 1
fi
echo "checkout_with_blanks: $traced cells were traced"
