#include "harness/runner/execute/host.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <glib.h>

#include "harness/runner/machine/cpu.h"
#include "harness/runner/process/interrupts.h"
#include "harness/runner/process/process.h"
#include "harness/worker/probes.h"

/* What a run has to take for a look to be no burden. */
#define WORTH_LOOKING_NS UINT64_C(2000000000)

enum {
	MOST_SIZES = 32,
	LAST_SIZE = MOST_SIZES
};

const struct host_source host_sources[HOST_PRICES] = {
	{"instruction", "instruction", 0, false},
	{"call", "system_call", 0, false},
	{"page", "touch", 1, false},
	{"copy_near", "copy", 0, false},
	{"copy_far", "copy", LAST_SIZE, true},
};

static uint64_t choose_bytes(const struct topology *topology, const struct host_source *source)
{
	uint64_t sizes[MOST_SIZES];
	const size_t count =
		plan_probe_sizes(topology, probe_find(source->probe), sizes, MOST_SIZES);

	return sizes[source->size == LAST_SIZE ? count - 1 : source->size];
}

struct host host_init(const struct topology *topology, const struct request *request,
		      const struct plan *plan)
{
	struct host host = {
		.topology = topology,
		.allocator = &request->allocators[request_first_allocator(request)],
		.load = {INFINITY, -INFINITY},
		.mhz = {INFINITY, -INFINITY},
	};

	for (size_t i = 0; i < HOST_PRICES; i++)
		host.bytes[i] = choose_bytes(topology, &host_sources[i]);
	if (plan != NULL && plan->probe_count > 0)
		host.probe_visits = plan_probe_visits(plan);
	return host;
}

/* Do the probes of the plan have prices of that moment? */
static bool is_planned(const struct host *host, enum host_moment moment)
{
	return host->probe_visits > 0 && (moment != HOST_MIDDLE || host->probe_visits > 2);
}

/* Of two visits the last is at the end. */
static enum host_moment moment_of(const struct host *host, uint64_t visit)
{
	if (visit == 0)
		return HOST_START;
	return visit + 1 == host->probe_visits ? HOST_END : HOST_MIDDLE;
}

bool host_set_price(struct host_price *price, double median_ns, double min_ns)
{
	const bool is_price = min_ns >= 1e-3 && median_ns >= min_ns && median_ns <= 1e12;

	if (is_price)
		*price = (struct host_price){median_ns, min_ns};
	return is_price;
}

static void note(struct host *host, enum host_moment moment, size_t price,
		 const struct record *record)
{
	if (!record_has_status(record, "ok") ||
	    !host_set_price(&host->looks[moment].prices[price],
			    record_get_real(record, "probe_ns", 0),
			    record_get_real(record, "probe_min_ns", 0)))
		record_copy(record, "status_detail", host->why_not[price],
			    sizeof host->why_not[price]);
}

void host_note(struct host *host, const struct record *record)
{
	const char *pass = record_get(record, "pass");
	const char *probe = record_get(record, "strategy");
	const double bytes = record_get_real(record, "row_bytes", 0);
	const double round = record_get_real(record, "round", 0);

	if (pass == NULL || strcmp(pass, pass_names[PASS_PROBE]) != 0 || probe == NULL ||
	    round < 1 || round > (double)host->probe_visits)
		return;
	for (size_t i = 0; i < HOST_PRICES; i++)
		if (strcmp(probe, host_sources[i].probe) == 0 && bytes == (double)host->bytes[i])
			note(host, moment_of(host, (uint64_t)round - 1), i, record);
}

static void widen(struct host_range *range, double value)
{
	range->least = fmin(range->least, value);
	range->most = fmax(range->most, value);
}

/* Load and frequency, into the look and the ranges. */
static void sample(struct host *host, struct host_look *look)
{
	const struct topology *topology = host->topology;

	look->load = cpu_load("");
	look->mhz = cpu_mhz("", topology->worker_cpu_count > 0 ? topology->worker_cpus[0] : 0);
	if (look->load >= 0)
		widen(&host->load, look->load);
	if (look->mhz > 0)
		widen(&host->mhz, look->mhz);
}

void host_sample(struct host *host)
{
	struct host_look unused;

	sample(host, &unused);
}

static uint64_t take_price(struct host *host, enum host_moment moment, size_t price,
			   struct worker_pool *pool)
{
	const struct worker_task task = {
		.pass = pass_names[PASS_PROBE],
		.probe = host_sources[price].probe,
		.size = {.rows = 1, .row_bytes = host->bytes[price], .threads = 1},
		.allocator = host->allocator,
	};
	struct record record = record_init();
	const uint64_t alive_ns = worker_run(pool, &task, &record);

	note(host, moment, price, &record);
	record_release(&record);
	return alive_ns;
}

static uint64_t take_prices(struct host *host, enum host_moment moment, struct worker_pool *pool)
{
	uint64_t alive_ns = 0;

	for (size_t i = 0; i < HOST_PRICES && interrupts == 0; i++)
		if (!host_sources[i].of_pass_only)
			alive_ns += take_price(host, moment, i, pool);
	return alive_ns;
}

uint64_t host_look(struct host *host, enum host_moment moment, struct worker_pool *pool)
{
	struct host_look *look = &host->looks[moment];
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	g_autofree char *utc = g_date_time_format(now, "%Y-%m-%dT%H:%M:%SZ");
	const uint64_t now_ns = process_now_ns();

	if (host->since_ns == 0)
		host->since_ns = now_ns;
	if (look->utc[0] != '\0')
		return 0;
	(void)snprintf(look->utc, sizeof look->utc, "%s", utc);
	sample(host, look);
	if (is_planned(host, moment) ||
	    (moment != HOST_START && now_ns - host->since_ns < WORTH_LOOKING_NS))
		return 0;
	return take_prices(host, moment, pool);
}
