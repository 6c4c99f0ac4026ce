/*
 * bench.h on top of Google Benchmark.
 *
 * Benchmarks are kept here and handed to Google Benchmark only for the length of a run. So the
 * filter sees names as they were registered, not as Google Benchmark extends them.
 */
#include "bench.h"

#include <benchmark/benchmark.h>
#include <regex.h>

#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iostream>
#include <limits>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <streambuf>
#include <string>
#include <vector>

struct bench_state {
	enum loop_phase {
		BEFORE_LOOP,
		IN_LOOP,
		AFTER_LOOP
	};

	benchmark::State &native;
	loop_phase phase = BEFORE_LOOP;
	const char *mistake = nullptr; /* in the use of this header; makes the result an error */
};

namespace
{

struct registered {
	std::string name;
	bench_spec spec;
};

std::vector<std::unique_ptr<registered>> all_registered;
std::atomic<bool> any_error;
thread_local char last_error[512];

const char OUT_OF_MEMORY[] = "out of memory";

int fail(const char *message)
{
	std::snprintf(last_error, sizeof(last_error), "%s", message);
	return -1;
}

/* Calls f, and returns what it returns, or -1 with a message if it throws. */
template <typename F> int guarded(F f)
{
	try {
		return f();
	} catch (const std::bad_alloc &) {
		return fail(OUT_OF_MEMORY);
	} catch (const std::exception &exception) {
		return fail(exception.what());
	} catch (...) {
		return fail("an exception of unknown type was thrown");
	}
}

/* ---- Calling a benchmark function ---- */

void skip(benchmark::State &native, const char *message)
{
	try {
		native.SkipWithError(message);
	} catch (...) {
		/* Short enough for a string that allocates nothing. */
		native.SkipWithError(OUT_OF_MEMORY);
	}
}

void skip_exception(benchmark::State &native, const char *what)
{
	char message[512];

	std::snprintf(message, sizeof(message), "the benchmark function threw: %s", what);
	skip(native, message);
}

/*
 * Google Benchmark aborts the process when a function returns without having ended its loop. Here
 * that is an error like any other.
 */
void call_function(const registered &entry, benchmark::State &native)
{
	bench_state state{native};

	try {
		entry.spec.function(&state, entry.spec.user_data);
	} catch (const std::exception &exception) {
		skip_exception(native, exception.what());
	} catch (...) {
		skip_exception(native, "an exception of unknown type");
	}
	if (state.mistake == nullptr && !native.error_occurred()) {
		if (state.phase == bench_state::BEFORE_LOOP)
			state.mistake = "the benchmark function returned without a BENCH_LOOP";
		else if (state.phase == bench_state::IN_LOOP)
			state.mistake = "the benchmark function left BENCH_LOOP before its end "
					"without bench_skip()";
	}
	if (state.mistake != nullptr)
		skip(native, state.mistake);
	if (native.error_occurred())
		any_error = true;
}

/* For functions that return nothing: a failure becomes the error of the result. */
template <typename F> void guarded(bench_state *state, F f)
{
	try {
		f();
	} catch (...) {
		state->mistake = OUT_OF_MEMORY;
	}
}

/* ---- Handing benchmarks to Google Benchmark ---- */

benchmark::TimeUnit native_unit(bench_time_unit unit)
{
	switch (unit) {
	case BENCH_MICROSECONDS:
		return benchmark::kMicrosecond;
	case BENCH_MILLISECONDS:
		return benchmark::kMillisecond;
	case BENCH_SECONDS:
		return benchmark::kSecond;
	case BENCH_NANOSECONDS:
		break;
	}
	return benchmark::kNanosecond;
}

auto *hand_over(const registered &entry)
{
	const bench_spec &spec = entry.spec;
	auto *native =
		benchmark::RegisterBenchmark(entry.name.c_str(), [&entry](benchmark::State &state) {
			call_function(entry, state);
		});

	native->Unit(native_unit(spec.time_unit));
	if (spec.iterations != 0)
		native->Iterations(static_cast<benchmark::IterationCount>(spec.iterations));
	if (spec.repetitions != 0)
		native->Repetitions(static_cast<int>(spec.repetitions));
	if (spec.threads != 0)
		native->Threads(static_cast<int>(spec.threads));
	if (spec.min_time_s > 0)
		native->MinTime(spec.min_time_s);
	if (spec.use_real_time)
		native->UseRealTime();
	if (spec.measure_process_cpu_time)
		native->MeasureProcessCPUTime();
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

class filter
{
      public:
	explicit filter(const char *pattern)
	{
		if (pattern == nullptr || *pattern == '\0')
			return;
		int status = regcomp(&regex_, pattern, REG_EXTENDED | REG_NOSUB);
		if (status == 0) {
			compiled_ = true;
			return;
		}
		char reason[128];
		regerror(status, &regex_, reason, sizeof(reason));
		throw std::invalid_argument("filter '" + std::string(pattern) +
					    "' is not a regular expression: " + reason);
	}
	filter(const filter &) = delete;
	filter &operator=(const filter &) = delete;
	~filter()
	{
		if (compiled_)
			regfree(&regex_);
	}
	bool matches(const std::string &name) const
	{
		return !compiled_ || regexec(&regex_, name.c_str(), 0, nullptr, 0) == 0;
	}

      private:
	regex_t regex_;
	bool compiled_ = false;
};

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

/* Hands results on to a C callback. If that throws, it is not called again. */
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
		if (callback_ == nullptr)
			return;
		for (const Run &run : runs) {
			if (run.run_type != Run::RT_Iteration || status_ != 0)
				continue;
			status_ = guarded([&] {
				report(run);
				return 0;
			});
		}
	}
	int status() const
	{
		return status_;
	}

      private:
	void report(const Run &run)
	{
		std::vector<bench_counter> counters;
		bench_result result = {};

		result.name = run.run_name.function_name.c_str();
		if (!run.report_label.empty())
			result.label = run.report_label.c_str();
		result.repetition = static_cast<unsigned>(run.repetition_index);
		result.threads = static_cast<unsigned>(run.threads);
		result.error = error_of(run, 0);
		if (result.error == nullptr) {
			const double to_ns = 1e9 / static_cast<double>(run.iterations);

			result.iterations = static_cast<uint64_t>(run.iterations);
			result.real_ns = run.real_accumulated_time * to_ns;
			result.cpu_ns = run.cpu_accumulated_time * to_ns;
			for (const auto &counter : run.counters)
				counters.push_back({counter.first.c_str(), counter.second.value});
			result.counter_count = counters.size();
			result.counters = counters.data();
		}
		callback_(&result, user_data_);
	}

	bench_result_callback callback_;
	void *user_data_;
	std::ostream nowhere_;
	int status_ = 0;
};

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
	const hand_back at_end;

	for (int i = 1; i < argc; i++) {
		help_wanted = help_wanted || std::strcmp(argv[i], "--help") == 0;
		if (std::strncmp(argv[i], min_time, sizeof(min_time) - 1) == 0 &&
		    !is_min_time(argv[i] + sizeof(min_time) - 1))
			print_help();
	}
	benchmark::Initialize(&argc, argv, print_help);
	if (benchmark::ReportUnrecognizedArguments(argc, argv))
		return 2;
	for (const auto &entry : all_registered)
		hand_over(*entry);

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

const char *find_mistake(const bench_spec *spec)
{
	const unsigned max = std::numeric_limits<int>::max();

	if (spec == nullptr)
		return "a benchmark needs a spec, not NULL";
	if (spec->name == nullptr || *spec->name == '\0')
		return "a benchmark needs a name";
	if (spec->function == nullptr)
		return "a benchmark needs a function";
	if (spec->iterations > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
		return "iterations must be less than 2^63";
	if (spec->repetitions > max || spec->threads > max)
		return "repetitions and threads must be less than 2^31";
	if (!(spec->min_time_s >= 0) || std::isinf(spec->min_time_s))
		return "min_time_s must be a number of seconds, or 0 for the default";
	if (spec->min_time_s > 0 && spec->iterations != 0)
		return "give either iterations or min_time_s, not both";
	/* C callers can put any number there; C++ must not even read it as the enum. */
	unsigned unit;
	static_assert(sizeof(unit) == sizeof(spec->time_unit), "enums are as wide as unsigned");
	std::memcpy(&unit, &spec->time_unit, sizeof(unit));
	if (unit > BENCH_SECONDS)
		return "time_unit must be one of enum bench_time_unit";
	return nullptr;
}

} // namespace

/* ---- bench.h ---- */

const char *bench_error(void)
{
	return last_error;
}

int bench_register(const struct bench_spec *spec)
{
	const char *mistake = find_mistake(spec);

	if (mistake != nullptr)
		return fail(mistake);
	return guarded([=] {
		auto entry = std::make_unique<registered>(registered{spec->name, *spec});
		entry->spec.name = entry->name.c_str();
		all_registered.push_back(std::move(entry));
		return 0;
	});
}

void bench_clear(void)
{
	all_registered.clear();
}

int bench_run(const char *pattern, bench_result_callback callback, void *user_data)
{
	return guarded([=] {
		const filter wanted(pattern);
		const hand_back at_end;
		int count = 0;

		for (const auto &entry : all_registered) {
			if (!wanted.matches(entry->name))
				continue;
			auto *native = hand_over(*entry);
			if (entry->spec.repetitions == 0)
				native->Repetitions(1);
			native->ReportAggregatesOnly(false);
			count++;
		}
		if (count == 0)
			return 0;
		ignore_environment();
		callback_reporter reporter(callback, user_data);
		benchmark::RunSpecifiedBenchmarks(&reporter, nullptr, "all");
		return reporter.status() == 0 ? count : -1;
	});
}

int bench_main(int argc, char **argv)
{
	const int status = guarded([=] { return run_as_program(argc, argv); });

	if (status >= 0)
		return status;
	std::fprintf(stderr, "error: %s\n", bench_error());
	return 1;
}

struct bench_library bench_library_info(void)
{
	static bench_build build = BENCH_BUILD_UNKNOWN;

	guarded([] {
		if (build == BENCH_BUILD_UNKNOWN)
			build = find_build();
		return 0;
	});
	return {"Google Benchmark", GROWBENCH_BENCHMARK_VERSION, build};
}

/* The whole count as one batch: the library is entered once here and once in bench_end(). */
uint64_t bench_begin(struct bench_state *state)
{
	benchmark::State &native = state->native;
	bool run = false;

	if (state->phase != bench_state::BEFORE_LOOP) {
		state->mistake = "the benchmark function entered a second BENCH_LOOP";
		return 0;
	}
	state->phase = bench_state::IN_LOOP;
	guarded(state, [&] { run = native.KeepRunningBatch(native.max_iterations); });
	if (run)
		return static_cast<uint64_t>(native.max_iterations);
	state->phase = bench_state::AFTER_LOOP;
	return 0;
}

void bench_end(struct bench_state *state)
{
	benchmark::State &native = state->native;

	if (state->phase != bench_state::IN_LOOP)
		return;
	state->phase = bench_state::AFTER_LOOP;
	guarded(state, [&] { native.KeepRunningBatch(native.max_iterations); });
}

uint64_t bench_iterations(const struct bench_state *state)
{
	return static_cast<uint64_t>(state->native.max_iterations);
}

unsigned bench_thread_index(const struct bench_state *state)
{
	return static_cast<unsigned>(state->native.thread_index());
}

unsigned bench_thread_count(const struct bench_state *state)
{
	return static_cast<unsigned>(state->native.threads());
}

void bench_skip(struct bench_state *state, const char *message)
{
	guarded(state, [=] { skip(state->native, message != nullptr ? message : "skipped"); });
}

void bench_set_counter(struct bench_state *state, const char *name, double value, unsigned flags)
{
	const unsigned known =
		BENCH_COUNTER_RATE | BENCH_COUNTER_AVERAGE_THREADS | BENCH_COUNTER_PER_ITERATION;
	auto native_flags = benchmark::Counter::kDefaults;

	if (name == nullptr || (flags & ~known) != 0) {
		state->mistake = "bench_set_counter() got no name, or an unknown flag";
		return;
	}
	if (flags & BENCH_COUNTER_RATE)
		native_flags = native_flags | benchmark::Counter::kIsRate;
	if (flags & BENCH_COUNTER_AVERAGE_THREADS)
		native_flags = native_flags | benchmark::Counter::kAvgThreads;
	if (flags & BENCH_COUNTER_PER_ITERATION)
		native_flags = native_flags | benchmark::Counter::kAvgIterations;
	guarded(state,
		[=] { state->native.counters[name] = benchmark::Counter(value, native_flags); });
}

void bench_set_items_processed(struct bench_state *state, uint64_t items)
{
	guarded(state, [=] { state->native.SetItemsProcessed(static_cast<int64_t>(items)); });
}

void bench_set_bytes_processed(struct bench_state *state, uint64_t bytes)
{
	guarded(state, [=] { state->native.SetBytesProcessed(static_cast<int64_t>(bytes)); });
}

void bench_set_label(struct bench_state *state, const char *label)
{
	guarded(state, [=] { state->native.SetLabel(label != nullptr ? label : ""); });
}
