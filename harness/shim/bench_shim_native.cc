#include "bench_shim_loops.h"

#include <benchmark/benchmark.h>

#include <vector>

namespace
{

void empty_loop(benchmark::State &state)
{
	for (auto _ : state) {
		(void)_;
		asm volatile("");
	}
}

class keep_time : public benchmark::BenchmarkReporter
{
      public:
	bool ReportContext(const Context &) override
	{
		return true;
	}
	void ReportRuns(const std::vector<Run> &runs) override
	{
		for (const Run &run : runs)
			cpu_ns = run.cpu_accumulated_time * 1e9 /
				 static_cast<double>(run.iterations);
	}
	double cpu_ns = -1;
};

} // namespace

double bench_shim_native_ns(uint64_t iterations)
{
	keep_time reporter;

	benchmark::ClearRegisteredBenchmarks();
	benchmark::RegisterBenchmark("empty_loop", empty_loop)
		->Iterations(static_cast<benchmark::IterationCount>(iterations));
	benchmark::RunSpecifiedBenchmarks(&reporter, nullptr, "all");
	benchmark::ClearRegisteredBenchmarks();
	return reporter.cpu_ns;
}
