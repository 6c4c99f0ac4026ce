#!/bin/sh
# A checkout whose path has blanks and umlauts, such as one in a home folder: it configures, builds,
# measures and plots, into a folder of such a name; also where it is installed; and with something of
# each kind added to it as CONTRIBUTING.md says (recipes.py).
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
python=${PYTHON:-python3}
"$python" harness/tests/recipes.py add .

# What is built faster will do.
cmake -S . -B build -DCMAKE_BUILD_TYPE=Debug --log-level=WARNING
cmake --build build --parallel "$(nproc)" >build/log || { cat build/log; exit 1; }
# The interposer alone, and in front of another library, of which an emulator may preload one only.
allocators=glibc,recipe_malloc
[ "${GROWBENCH_TEST_TIMEOUT_FACTOR:-1}" -gt 1 ] || allocators=glibc,recipe_malloc,jemalloc
out='results/erste Läufe'
make -o build bench PRESET=quick OUT="$out" ARGS="--implementations c,numpy --rows 100 --rounds 1 \
	--strategies loop_and_append,realloc_doubling,realloc_quadrupling --allocators $allocators"

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

"$python" harness/tests/recipes.py check . "$out"
echo 'checkout_with_blanks: what was added by the recipes is there'

# Installed, it needs no checkout, and measures and reads from any folder.
cmake --build build --target manual >build/log || { cat build/log; exit 1; }
cmake --install build --prefix "$above/installed here" >build/log || { cat build/log; exit 1; }
mv "$checkout" "$checkout-moved"
mkdir "$above/elsewhere"
cd "$above/elsewhere"
growbench="$above/installed here/bin/growbench"
"$growbench" run --preset quick --rows 100 --rounds 1 --allocators glibc --implementations c,numpy \
	--strategies loop_and_append,realloc_doubling --quiet
for verb in summarise why 'plot --only heat_map_cold' 'export --to go'; do
	# shellcheck disable=SC2086 # a verb and its options
	"$growbench" $verb >log 2>&1 || { cat log; exit 1; }
done
ls results/*/plots/heat_map_cold.png
man -l "$above/installed here/share/man/man1/growbench-run.1" >log 2>&1 || ! command -v man >/dev/null
bash -n "$above/installed here/share/bash-completion/completions/growbench"
echo 'checkout_with_blanks: works where it is installed'
