# The commands people use; the work is in CMakeLists.txt and scripts/.

# What to measure: quick, default or full.
PRESET ?= default
# Folder of the run; empty: results/<machine>-<UTC time>.
OUT ?=
# Further words for build/growbench run, such as ARGS="--strategies realloc_doubling".
ARGS ?=
# A run to go on with (bench, article), or to plot (plots), explain (why) or export.
RESUME ?=
RUN ?=
# Which format to export to.
TO ?=
export PRESET OUT ARGS RESUME

# As many compilers at a time as there are CPUs for us: without a number there would be no limit.
JOBS := $(shell nproc)

.DEFAULT_GOAL := help
.NOTPARALLEL:
# Every command has its help text behind it, and no file of its name.
.PHONY: $(shell sed -n 's/^\([a-z-]*\):.*\#\# .*/\1/p' $(firstword $(MAKEFILE_LIST)))

help: ## this text
	@echo 'usage: make COMMAND [VARIABLE=value ...]'
	@echo
	@sed -n -e 's/^# ---- \(.*\) ----$$/\1/p' -e 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' Makefile | \
		while IFS='|' read -r name text; do \
			case $$text in '') echo "$$name";; *) printf '  %-20s %s\n' "$$name" "$$text";; esac; done
	@echo
	@echo 'examples:'
	@echo '  make setup bench                         everything, from a fresh Debian'
	@echo '  make setup test                          install, build, all tests'
	@echo '  make bench PRESET=quick OUT=results/try  a first look, in half a minute'
	@echo '  make bench ARGS="--rows 1k,1M --rounds 6"'
	@echo '  make plots RUN=results/try'
	@echo '  make why RUN=results/reference-epyc-2cpu ARGS="--rows 10000 --allocator glibc"'
	@echo '  make export RUN=results/try TO=go ARGS="--rows 10000" > try.txt'

# What the commands that are named together with setup need: what plots need is installed when the
# measurements have ended, so that these begin sooner.
NEEDS := $(strip $(if $(filter report,$(MAKECMDGOALS)),--with-report) \
	$(if $(filter test build-tests asan tsan fuzz coverage,$(MAKECMDGOALS)),--with-tests) \
	$(if $(filter lint format coverage try-system,$(MAKECMDGOALS)),--with-tests --with-lint))
MEASURES := $(if $(NEEDS),,$(if $(filter setup,$(MAKECMDGOALS)),$(filter bench article patterns,$(MAKECMDGOALS))))
export SETUP_AFTER = $(if $(MEASURES),1)

# ---- measure ----

setup: ## install what is missing (Debian and Ubuntu; root or sudo), for the commands beside it
	@scripts/setup.sh $(if $(MEASURES),--only-measure) $(NEEDS)

build: ## build what measures, into build/
	@scripts/check-tools.sh
	@cmake --preset default --log-level=WARNING
	@cmake --build --preset default --target product --parallel $(JOBS)

bench: build ## measure, summarise, plot: PRESET=quick|default|full OUT=results/NAME ARGS="..."
	@scripts/bench.sh build/growbench

article: build ## NumPy's loop of the article on each allocator, beside C: a table, a plot: OUT=results/NAME
	@PRESET=article scripts/bench.sh build/growbench article

patterns: build ## copying patterns in C and NumPy: tables, plots: OUT=results/NAME ARGS="--rounds 3"
	@PRESET=patterns scripts/bench.sh build/growbench patterns

list: build ## strategies, allocators, presets
	@build/growbench list

doctor: build ## which allocators were found, and what makes figures noisy here
	@build/growbench doctor

selftest: build ## does it measure right here, and how exactly? under 2 minutes: ARGS="--only peak"
	@python=$$(scripts/find-python) && "$$python" scripts/growbench selftest \
		$(if $(OUT),--out '$(OUT)') $(ARGS)

install: build ## where other programs are: PREFIX=/usr/local (DESTDIR is heeded)
	@cmake --build --preset default --target manual
	@cmake --install build --prefix '$(or $(PREFIX),/usr/local)' --strip

deb: build ## a Debian package of it, in build/: apt install ./build/growbench_*.deb
	@cmake --build --preset default --target manual
	@cd build && cpack -G DEB

# ---- understand ----

plots: ## draw the plots of a run again, from its runs.csv alone: RUN=results/NAME
	@python=$$(scripts/find-python) && "$$python" scripts/growbench plot $(if $(RUN),'$(RUN)')

report: ## findings, plots and tables as HTML and PDF: RUN=results/NAME or RUNS="A B" OUT=FILE.html
	@python=$$(scripts/find-python --with-report) && "$$python" scripts/growbench report \
		$(or $(RUNS),$(if $(RUN),'$(RUN)')) $(if $(OUT),--output '$(OUT)') $(ARGS)

why: ## where the cold times of a run go, and what they do not tell: RUN=results/NAME ARGS="..."
	@python=$$(scripts/find-python) && "$$python" scripts/growbench why $(if $(RUN),'$(RUN)') $(ARGS)

advise: ## what to take: ROWS=10k ROW_BYTES=80 [WEIGHT=time|peak|tail] [RUN=results/NAME] ARGS="..."
	@test -n '$(ROWS)' && test -n '$(ROW_BYTES)' || { \
		echo 'make advise: say for what: make advise ROWS=10k ROW_BYTES=80' >&2; \
		echo '  (of a recorded program: build/growbench advise PROFILE)' >&2; exit 2; }
	@python=$$(scripts/find-python) && "$$python" scripts/growbench advise $(if $(RUN),'$(RUN)') \
		--rows '$(ROWS)' --row-bytes '$(ROW_BYTES)' --weight '$(or $(WEIGHT),time)' $(ARGS)

export: ## a run for other people's tools, to stdout: RUN=results/NAME TO=google-benchmark|go
	@test -n '$(TO)' || { echo 'make export: say to what: make export TO=go' >&2; exit 2; }
	@python=$$(scripts/find-python) && \
		"$$python" scripts/growbench export $(if $(RUN),'$(RUN)') --to '$(TO)' $(ARGS)

memory-picture: ## how arrays, views and lists lie in memory: OUT=FOLDER ARGS="--style dark"
	@python=$$(scripts/find-python) && "$$python" scripts/growbench memory-picture \
		$(if $(OUT),--output '$(OUT)') $(ARGS)

# ---- compare ----

compare: ## two runs of one machine, or of different ones: A=results/x B=results/y ARGS="..."
	@test -n '$(A)' && test -n '$(B)' || \
		{ echo 'make compare: say which runs: make compare A=results/x B=results/y' >&2; exit 2; }
	@python=$$(scripts/find-python) && "$$python" scripts/growbench compare '$(A)' '$(B)' $(ARGS)

compare-live: build ## two builds, allocators or environments in one run: BASE=build-a NEW=build-b
	@test -n '$(BASE)$(NEW)' || \
		{ echo 'make compare-live: say what: make compare-live BASE=build-a NEW=build-b' >&2; exit 2; }
	@python=$$(scripts/find-python) && "$$python" scripts/growbench compare-live \
		--base '$(BASE)' --new '$(NEW)' $(if $(OUT),--out '$(OUT)') $(ARGS)

aa: build ## what equal things look like here, within a run and, with RUNS=5, between runs
	@python=$$(scripts/find-python) && "$$python" scripts/growbench compare-live --aa $(ARGS)
	@test -z '$(RUNS)' || { python=$$(scripts/find-python) && "$$python" scripts/growbench aa \
		--runs '$(RUNS)' $(if $(OUT),--out '$(OUT)'); }

# ---- develop ----

build-tests: ## build everything, with the tests
	@scripts/check-tools.sh
	@cmake --preset default --log-level=WARNING -DBUILD_TESTING=ON
	@cmake --build --preset default --parallel $(JOBS)

test: build-tests ## build and run all tests
	@ctest --preset default --parallel $(JOBS)

lint: build-tests ## formatting, clang-tidy, cppcheck, shellcheck, flake8, mypy
	@scripts/lint.sh

format: ## format C, C++ and Python
	@scripts/lint.sh --fix

clang: ## all tests, compiled by Clang
	@scripts/check-tools.sh clang
	@cmake --preset clang --log-level=WARNING
	@cmake --build --preset clang --parallel $(JOBS)
	@ctest --preset clang --parallel $(JOBS)

asan: ## all tests under address and undefined-behaviour sanitizers
	@scripts/check-tools.sh
	@cmake --preset asan --log-level=WARNING
	@cmake --build --preset asan --parallel $(JOBS)
	@ctest --preset asan --parallel $(JOBS)

tsan: ## all tests under the thread sanitizer
	@scripts/check-tools.sh
	@cmake --preset tsan --log-level=WARNING
	@cmake --build --preset tsan --parallel $(JOBS)
	@ctest --preset tsan --parallel $(JOBS)

coverage: ## which share of the lines the tests run, in C and in Python, by folder
	@scripts/coverage.sh

lines: ## how many lines of product and of tests there are: COMMITS="HEAD~100 HEAD"
	@scripts/count-lines.sh $(COMMITS)

fuzz: ## what reads, fed with mutated input (Clang): SECONDS=n or RUNS=n of each, TARGETS="report csv"
	@scripts/check-tools.sh clang
	@cmake --preset fuzz --log-level=WARNING
	@cmake --build --preset fuzz --parallel $(JOBS)
	@scripts/fuzz.sh $(if $(RUNS),--runs '$(RUNS)',--seconds '$(or $(SECONDS),10)') $(TARGETS)

try-system: ## both commands of the README on another system: SYSTEM="trixie" or "trixie arm64" ARGS="..."
	@scripts/try-system.sh $(ARGS) $(SYSTEM)

validate-statistics: ## intervals, false alarms and planted slowdowns, simulated; RUN=results/aa-...: measured too
	@python=$$(scripts/find-python) && "$$python" scripts/growbench validate statistics \
		$(if $(RUN),--run '$(RUN)') $(ARGS)

validate-prediction: build ## what was predicted against what is measured: ARGS="--fast"
	@build/growbench validate prediction $(ARGS)

bench-shim: build ## what a loop through the C shim costs, against native C++
	@cmake --build --preset default --target bench-shim-run

bench-peak: build ## how exactly peak memory is read here
	@build/growbench peak

bench-interleaving: build ## two labels for one allocator in one run: how far apart are they?
	@scripts/bench-within.sh interleaving build/growbench

bench-estimators: build ## which figure of a worker's warm builds holds still, and sees what is planted
	@scripts/bench-within.sh estimators build/growbench

bench-trace: build ## what the interposer of the trace pass costs
	@scripts/bench-within.sh trace build/growbench

bench-containers: build ## realloc_doubling against std::vector, GArray and utarray
	@scripts/bench-within.sh containers build/growbench

bench-parameters: build ## realloc_factor:2 and :1.5 against the same factors as constants
	@scripts/bench-within.sh parameters build/growbench

bench-compare: ## how long compare takes, with a million rows too: RUN=results/NAME
	@python=$$(scripts/find-python) && "$$python" scripts/growbench bench-compare \
		'$(or $(RUN),results/reference-epyc-2cpu)'

bench-runs: ## runs of one build dealt into sides: false alarms, and what is found: RUNS="A B C D ..."
	@test -n '$(RUNS)' || { echo 'make bench-runs: say which runs: RUNS="A B C D"' >&2; exit 2; }
	@python=$$(scripts/find-python) && "$$python" scripts/growbench bench-runs $(RUNS) $(ARGS)

bench-doubts: build ## planted disturbances, and which doubts they raise: ARGS="--only quiet,bimodal"
	@python=$$(scripts/find-python) && "$$python" scripts/growbench bench-doubts build $(ARGS)

bench-cases: build ## claims made in public: what was said, must be and is: ARGS="--only doubling --small"
	@python=$$(scripts/find-python) && "$$python" scripts/growbench bench-cases build $(ARGS)

bench-live: build ## compare-live, interleaved and in a duet: equal things, and 10% planted
	@python=$$(scripts/find-python) && "$$python" scripts/growbench bench-live build $(ARGS)

bench-replay: build ## six programs, recorded and replayed, against themselves. ARGS="--only jq"
	@python=$$(scripts/find-python) && "$$python" scripts/growbench bench-replay build $(ARGS)

bench-patterns: build ## copying patterns against the copy limit, plain loops and NumPy
	@python=$$(scripts/find-python) && "$$python" scripts/growbench bench-patterns build $(ARGS)

bench-instructions: build ## are counts of instructions the same each time? ARGS="--rows 1000"
	@python=$$(scripts/find-python) && "$$python" scripts/growbench bench-instructions build $(ARGS)

bench-exact: build ## are planted changes of counts found, each, and none where nothing changed? ARGS="..."
	@python=$$(scripts/find-python) && "$$python" scripts/growbench bench-exact build $(ARGS)

bench-record: build ## real programs recorded: slowdown, bytes an event, against other tools' counts: ARGS="..."
	@python=$$(scripts/find-python) && "$$python" scripts/growbench bench-record build $(ARGS)

bench-runner: build ## the runner's own memory and time, with 100,000 workers: ARGS="--workers 5000"
	@python=$$(scripts/find-python) && "$$python" scripts/growbench bench-runner build $(ARGS)

clean: ## remove build folders; results stay
	@rm -rf build build-clang build-asan build-tsan build-coverage build-fuzz
