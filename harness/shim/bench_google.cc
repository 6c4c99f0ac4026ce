/* bench.h on top of Google Benchmark. */
#include "bench.h"
#include "loop.h"

#include <benchmark/benchmark.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iostream>
#include <new>
#include <sstream>
#include <streambuf>
#include <string>
#include <vector>

struct bench_state {
	benchmark::State &native;
	struct loop loop;
};

namespace
{

std::atomic<bool> any_error;

const char OUT_OF_MEMORY[] = "out of memory";

/* Calls f, and returns NULL, or what it threw. */
template <typename F> const char *guarded(F f)
{
	static char message[512];

	try {
		f();
		return nullptr;
	} catch (const std::bad_alloc &) {
		return OUT_OF_MEMORY;
	} catch (const std::exception &exception) {
		std::snprintf(message, sizeof(message), "%s", exception.what());
		return message;
	}
}

/* ---- Handing benchmarks to Google Benchmark ---- */

/*
 * Google Benchmark aborts the process when a function returns without having ended its loop. Here
 * that is an error like any other.
 */
void call_function(const bench_spec &spec, benchmark::State &native)
{
	bench_state state{native, {}};

	spec.function(&state, spec.user_data);
	const char *mistake = loop_mistake(&state.loop, native.error_occurred());
	if (mistake != nullptr)
		bench_skip(&state, mistake);
	if (native.error_occurred())
		any_error = true;
}

auto *hand_over(const bench_spec &spec)
{
	auto *native = benchmark::RegisterBenchmark(
		spec.name, [spec](benchmark::State &state) { call_function(spec, state); });

	native->UseRealTime();
	if (spec.iterations != 0)
		native->Iterations(static_cast<benchmark::IterationCount>(spec.iterations));
	if (spec.repetitions != 0)
		native->Repetitions(static_cast<int>(spec.repetitions));
	if (spec.threads != 0)
		native->Threads(static_cast<int>(spec.threads));
	return native;
}

/* Takes everything back from Google Benchmark when the run ends, however it ends. */
struct hand_back {
	~hand_back()
	{
		benchmark::ClearRegisteredBenchmarks();
	}
};

/*
 * Google Benchmark takes its options from the environment too. Those that would make a run print,
 * list, write or do something other than what the specs say are set back.
 */
void ignore_environment()
{
	const char *const settings[] = {
		"bench",
		"--benchmark_list_tests=false",
		"--benchmark_out=",
		"--benchmark_enable_random_interleaving=false",
		"--benchmark_min_warmup_time=0",
		"--benchmark_perf_counters=",
		"--v=0",
	};
	char *argv[sizeof(settings) / sizeof(settings[0]) + 1] = {};
	int argc = 0;

	for (const char *setting : settings)
		argv[argc++] = const_cast<char *>(setting); /* only the pointers are moved */
	benchmark::Initialize(&argc, argv);
}

/* ---- Results ---- */

/* Why a run was skipped, or NULL. Google Benchmark 1.8 gave what tells it another name. */
template <typename Run> auto error_of(const Run &run, int) -> decltype(run.skip_message.c_str())
{
	return run.skipped ? run.skip_message.c_str() : nullptr;
}
template <typename Run> auto error_of(const Run &run, long) -> decltype(run.error_message.c_str())
{
	return run.error_occurred ? run.error_message.c_str() : nullptr;
}

/* Hands results on to a C callback. */
class callback_reporter : public benchmark::BenchmarkReporter
{
      public:
	callback_reporter(bench_result_callback callback, void *user_data)
	    : callback_(callback), user_data_(user_data), nowhere_(nullptr)
	{
		SetOutputStream(&nowhere_);
		SetErrorStream(&nowhere_);
	}
	bool ReportContext(const Context &) override
	{
		return true;
	}
	void ReportRuns(const std::vector<Run> &runs) override
	{
		for (const Run &run : runs)
			if (run.run_type == Run::RT_Iteration)
				report(run);
	}

      private:
	void report(const Run &run)
	{
		bench_result result = {};

		result.error = error_of(run, 0);
		if (result.error == nullptr) {
			const double to_ns = 1e9 / static_cast<double>(run.iterations);

			result.real_ns = run.real_accumulated_time * to_ns;
			result.cpu_ns = run.cpu_accumulated_time * to_ns;
		}
		callback_(&result, user_data_);
	}

	bench_result_callback callback_;
	void *user_data_;
	std::ostream nowhere_;
};

/*
 * The library says how it was built in two places only: in the remark on the console, and in the
 * head of its JSON output. The second is meant for programs.
 */
bench_build find_build()
{
	std::ostringstream head;
	benchmark::JSONReporter reporter;

	reporter.SetOutputStream(&head);
	reporter.SetErrorStream(&head);
	reporter.ReportContext(benchmark::BenchmarkReporter::Context());
	if (head.str().find("\"library_build_type\": \"debug\"") != std::string::npos)
		return BENCH_BUILD_DEBUG;
	if (head.str().find("\"library_build_type\": \"release\"") != std::string::npos)
		return BENCH_BUILD_RELEASE;
	return BENCH_BUILD_UNKNOWN;
}

/* ---- The program ---- */

/* Passes lines on, but for the one that says that the library was built as DEBUG. */
class without_debug_remark : public std::streambuf
{
      public:
	explicit without_debug_remark(std::streambuf *target) : target_(target)
	{
	}
	~without_debug_remark() override
	{
		pass_on();
	}

      protected:
	int_type overflow(int_type c) override
	{
		if (traits_type::eq_int_type(c, traits_type::eof()))
			return traits_type::not_eof(c);
		line_.push_back(traits_type::to_char_type(c));
		if (line_.back() == '\n') {
			if (line_.find("Library was built as DEBUG") != std::string::npos)
				line_.clear();
			pass_on();
		}
		return c;
	}
	int sync() override
	{
		pass_on();
		return target_->pubsync();
	}

      private:
	void pass_on()
	{
		target_->sputn(line_.data(), static_cast<std::streamsize>(line_.size()));
		line_.clear();
	}

	std::streambuf *target_;
	std::string line_;
};

bool help_wanted;

/* Called for --help, and for a value that is not taken. Afterwards the library exits with 0. */
void print_help()
{
	if (help_wanted) {
		benchmark::PrintDefaultHelp();
		return;
	}
	std::fputs("error: an option has a value that it does not take; --help lists them\n",
		   stderr);
	std::exit(2);
}

/* Seconds, such as 0.5, from 1.8 on also 0.5s and 100x, where a value that is neither ends the
 * program by abort. */
bool is_min_time(const char *text)
{
	char *end;

	(void)std::strtod(text, &end);
	return end != text && (*end == '\0' || ((*end == 's' || *end == 'x') && end[1] == '\0'));
}

int run_as_program(int argc, char **argv)
{
	static const char min_time[] = "--benchmark_min_time=";

	for (int i = 1; i < argc; i++) {
		help_wanted = help_wanted || std::strcmp(argv[i], "--help") == 0;
		if (std::strncmp(argv[i], min_time, sizeof(min_time) - 1) == 0 &&
		    !is_min_time(argv[i] + sizeof(min_time) - 1))
			print_help();
	}
	benchmark::Initialize(&argc, argv, print_help);
	if (benchmark::ReportUnrecognizedArguments(argc, argv))
		return 2;

	/* Google Benchmark keeps this reporter for itself: it is not to be deleted. */
	benchmark::BenchmarkReporter *reporter = benchmark::CreateDefaultDisplayReporter();
	without_debug_remark errors(std::cerr.rdbuf());
	std::ostream error_stream(&errors);

	any_error = false;
	reporter->SetErrorStream(&error_stream);
	const size_t matched = benchmark::RunSpecifiedBenchmarks(reporter);
	reporter->SetErrorStream(&std::cerr);
	std::cout.flush();
	return matched == 0 || any_error ? 1 : 0;
}

} // namespace

/* ---- bench.h ---- */

const char *bench_run(const struct bench_spec *spec, bench_result_callback callback,
		      void *user_data)
{
	return guarded([=] {
		const hand_back at_end;
		auto *native = hand_over(*spec);

		if (spec->repetitions == 0)
			native->Repetitions(1);
		native->ReportAggregatesOnly(false);
		ignore_environment();
		callback_reporter reporter(callback, user_data);
		benchmark::RunSpecifiedBenchmarks(&reporter, nullptr, "all");
	});
}

struct bench_library bench_library_info(void)
{
	static bench_build build = BENCH_BUILD_UNKNOWN;

	guarded([] {
		if (build == BENCH_BUILD_UNKNOWN)
			build = find_build();
	});
	return {"Google Benchmark", GROWBENCH_BENCHMARK_VERSION, build};
}

const char *bench_register(const struct bench_spec *spec)
{
	return guarded([=] { hand_over(*spec); });
}

int bench_main(int argc, char **argv)
{
	int status = 1;
	const char *error = guarded([&] { status = run_as_program(argc, argv); });

	if (error != nullptr)
		std::fprintf(stderr, "error: %s\n", error);
	return status;
}

/* The whole count as one batch: the library is entered once here and once in bench_end(). */
uint64_t bench_begin(struct bench_state *state)
{
	benchmark::State &native = state->native;

	if (!loop_begin(&state->loop))
		return 0;
	if (native.KeepRunningBatch(native.max_iterations))
		return static_cast<uint64_t>(native.max_iterations);
	loop_end(&state->loop);
	return 0;
}

void bench_end(struct bench_state *state)
{
	if (loop_end(&state->loop))
		state->native.KeepRunningBatch(state->native.max_iterations);
}

unsigned bench_thread_index(const struct bench_state *state)
{
	return static_cast<unsigned>(state->native.thread_index());
}

void bench_skip(struct bench_state *state, const char *message)
{
	try {
		state->native.SkipWithError(message);
	} catch (const std::bad_alloc &) {
		/* Short enough for a string that allocates nothing. */
		state->native.SkipWithError(OUT_OF_MEMORY);
	}
}
