/* Prices are planted: what is known of a host, and whether it changed, must be what they say. */
#include "kernels/tests/cmocka_headers.h"

#include <math.h>
#include <string.h>

#include <glib.h>

#include "harness/runner/execute/host.h"
#include "harness/runner/request/read.h"
#include "support.h"

static const struct topology topology = {
	.cache_count = 3,
	.caches = {{.level = 1, .type = 'i', .bytes = 16 << 10},
		   {.level = 1, .type = 'd', .bytes = 32 << 10},
		   {.level = 3, .type = 'u', .bytes = 32 << 20}},
};

enum {
	INSTRUCTION,
	CALL,
	PAGE,
	COPY_NEAR,
	COPY_FAR
};

/* A host whose probes the plan visits so often. */
static struct host make_host(uint64_t visits)
{
	char *words[] = {(char *)"run", (char *)"--allocators=glibc", (char *)"--implementations=c",
			 NULL};
	static struct request request;
	struct error error;
	struct host host;

	request_release(&request);
	assert_true(request_read(3, words, &request, &error));
	host = host_init(&topology, &request, NULL);
	host.probe_visits = visits;
	return host;
}

/* A row of a probe; one without a median has a reason. */
static void note(struct host *host, const char *probe, uint64_t bytes, uint64_t round,
		 double median_ns, double min_ns)
{
	struct record record = record_init();

	record_set_text(&record, "pass", "probe");
	record_set_text(&record, "strategy", probe);
	record_set_count(&record, "row_bytes", bytes);
	record_set_count(&record, "round", round);
	if (median_ns > 0 || median_ns < 0) {
		record_set_status(&record, "ok", "measured");
		record_set_real(&record, "probe_ns", median_ns);
		record_set_real(&record, "probe_min_ns", min_ns);
	} else {
		record_set_status(&record, "unprobed", "there are no pages");
	}
	host_note(host, &record);
	record_release(&record);
}

static void note_page(struct host *host, uint64_t round, double median_ns, double min_ns)
{
	note(host, "touch", 1 << 20, round, median_ns, min_ns);
}

static void assert_text(const struct host *host, const char *expected)
{
	g_autofree char *text = host_text(host);

	assert_string_equal(text, expected);
}

/* The changes; "steady", or "not known". Words and machine.json say the same. */
static void assert_changes(const struct host *host, const char *expected)
{
	g_autofree char *changes = host_changes(host);
	g_autofree char *text = host_text(host);
	json_t *described = host_describe(host);
	const json_t *changed = json_object_get(described, "changed");

	assert_string_equal(json_is_null(changed)    ? "not known"
			    : json_is_false(changed) ? "steady"
						     : changes,
			    expected);
	assert_int_equal(changes != NULL, json_is_true(changed));
	assert_int_equal(json_array_size(json_object_get(described, "changes")) > 0,
			 json_is_true(changed));
	if (json_is_null(changed))
		assert_null(strchr(text, ';'));
	else
		assert_true(g_str_has_suffix(text, expected));
	json_decref(described);
}

static void assert_price(const struct host_price *price, double median_ns, double min_ns)
{
	assert_true(fabs(price->median_ns - median_ns) < 1e-9);
	assert_true(fabs(price->min_ns - min_ns) < 1e-9);
}

static void prices_are_those_of_the_probes_that_are_meant(void **state)
{
	struct host host = make_host(3);

	(void)state;
	assert_int_equal(host.bytes[COPY_NEAR], 8 << 10);
	assert_int_equal(host.bytes[COPY_FAR], 64 << 20);
	note(&host, "instruction", 1, 1, 0.25, 0.24);
	note(&host, "system_call", 1, 2, 200, 190);
	note(&host, "touch", 1 << 20, 3, 2000, 1900);
	note(&host, "touch", 8 << 20, 3, 9, 9);
	note(&host, "copy", 8 << 10, 1, 90, 89);
	note(&host, "copy", 64 << 20, 1, 7e6, 6e6);
	note(&host, "chase", 8 << 10, 1, 9, 9);
	note(&host, "touch", 1 << 20, 4, 9, 9);
	note(&host, "touch", 1 << 20, 0, 9, 9);
	assert_price(&host.looks[HOST_START].prices[INSTRUCTION], 0.25, 0.24);
	assert_price(&host.looks[HOST_MIDDLE].prices[CALL], 200, 190);
	assert_price(&host.looks[HOST_END].prices[PAGE], 2000, 1900);
	assert_price(&host.looks[HOST_START].prices[COPY_NEAR], 90, 89);
	assert_price(&host.looks[HOST_START].prices[COPY_FAR], 7e6, 6e6);
	assert_price(&host.looks[HOST_START].prices[PAGE], 0, 0);
	assert_price(&host.looks[HOST_MIDDLE].prices[PAGE], 0, 0);
}

static void what_is_no_price_is_none(void **state)
{
	struct host host = make_host(3);
	json_t *described;

	(void)state;
	note_page(&host, 1, -1, -2);
	note_page(&host, 1, 1000, 2000);
	note_page(&host, 1, 2000, 0);
	note_page(&host, 1, 0, 0);
	assert_text(&host, "no price is known");
	assert_changes(&host, "not known");
	described = host_describe(&host);
	assert_string_equal(
		json_string_value(json_object_get(
			json_object_get(json_object_get(described, "probes"), "page"), "why_not")),
		"there are no pages");
	json_decref(described);
}

static void a_change_is_more_than_a_tenth_and_more_than_twice_the_spread(void **state)
{
	static const struct {
		uint64_t visits;
		struct host_price pages[HOST_MOMENTS]; /* of each visit */
		const char *changes;
	} cases[] = {
		{2, {{1000, 990}, {1090, 1085}}, "steady"},
		{2, {{1000, 990}, {1110, 1100}}, "page +11% (start to end)"},
		/* Down is up the other way round. */
		{2, {{1110, 1100}, {1000, 990}}, "page -10% (start to end)"},
		{2, {{1090, 1080}, {1000, 990}}, "steady"},
		{2, {{1000, 990}, {800, 795}}, "page -20% (start to end)"},
		/* Its values were 30% apart by themselves. */
		{2, {{1300, 1000}, {1900, 1890}}, "steady"},
		{2, {{1300, 1000}, {2200, 2190}}, "page +69% (start to end)"},
		/* Somebody was in the way of half of the values at the end. */
		{2, {{1000, 990}, {2000, 1000}}, "steady"},
		/* Of three moments those that are furthest apart, the first of them. */
		{3, {{1000, 990}, {1100, 1090}, {1200, 1190}}, "page +20% (start to end)"},
		{3, {{1000, 990}, {1500, 1490}, {1200, 1190}}, "page +50% (start to middle)"},
		{3, {{1000, 990}, {1500, 1490}, {1000, 990}}, "page +50% (start to middle)"},
		{3, {{0, 0}, {1000, 990}, {1500, 1490}}, "page +50% (middle to end)"},
		{3, {{1234, 1200}}, "not known"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct host host = make_host(cases[i].visits);

		for (size_t v = 0; v < cases[i].visits; v++)
			note_page(&host, v + 1, cases[i].pages[v].median_ns,
				  cases[i].pages[v].min_ns);
		assert_changes(&host, cases[i].changes);
	}
}

static void the_largest_change_stands_first(void **state)
{
	struct host host = make_host(3);
	json_t *described;
	json_t *change;

	(void)state;
	note_page(&host, 1, 1000, 990);
	note_page(&host, 2, 1500, 1490);
	note(&host, "system_call", 1, 1, 100, 99);
	note(&host, "system_call", 1, 2, 101, 100);
	note(&host, "copy", 8 << 10, 2, 100, 99);
	note(&host, "copy", 8 << 10, 3, 40, 39);
	assert_changes(&host, "copy_near -60% (middle to end), page +50% (start to middle)");
	described = host_describe(&host);
	change = json_array_get(json_object_get(described, "changes"), 1);
	assert_string_equal(json_string_value(json_object_get(change, "price")), "page");
	assert_true(fabs(json_real_value(json_object_get(change, "ratio")) - 1.5) < 1e-12);
	json_decref(described);
}

static void the_price_is_the_middle_one_and_the_lower_of_two(void **state)
{
	struct host host = make_host(3);

	(void)state;
	note_page(&host, 1, 1234, 1200);
	assert_text(&host, "page 1.23 us");
	note_page(&host, 3, 1290, 1200);
	note(&host, "instruction", 1, 2, 0.25, 0.25);
	assert_text(&host, "instruction 0.25 ns, page 1.23 us; steady");
	note_page(&host, 2, 1250, 1200);
	note(&host, "copy", 64 << 20, 3, 7e6, 6.9e6);
	assert_text(&host, "instruction 0.25 ns, page 1.25 us, copy_far 7 ms; steady");
}

static void what_an_earlier_session_saw_is_taken_over(void **state)
{
	struct host before = make_host(3);
	struct host after = make_host(3);
	json_t *first;
	json_t *second;

	(void)state;
	note_page(&before, 1, 1000, 990);
	note_page(&before, 3, 1500, 1490);
	(void)strcpy(before.looks[HOST_START].utc, "2026-01-31T23:59:59Z");
	(void)strcpy(before.looks[HOST_END].utc, "2026-01-31T23:59:59Z");
	before.looks[HOST_START].load = 0.5;
	before.looks[HOST_END].load = -1;
	before.load = (struct host_range){0.5, 2};
	first = host_describe(&before);
	host_load(&after, first);
	second = host_describe(&after);
	assert_true(json_equal(first, second));
	assert_changes(&after, "page +50% (start to end)");
	json_decref(first);
	json_decref(second);
}

static void what_cannot_be_is_not_taken_over(void **state)
{
	static const char *const texts[] = {
		"null",
		"[]",
		"{\"moments\": 5, \"load\": [1], \"cpu_mhz\": {\"least\": 2, \"most\": 1}}",
		"{\"moments\": [null, 3, {}, {\"moment\": \"never\"}, {\"moment\": \"start\"}]}",
		"{\"moments\": [{\"moment\": \"start\", \"utc\": \"today\", \"prices\": "
		"{\"page\": {\"median_ns\": 3, \"min_ns\": 2}}}]}",
		"{\"moments\": [{\"moment\": \"start\", \"utc\": \"2026-01-31T23:59:59Z\", "
		"\"prices\": {\"page\": {\"median_ns\": 1, \"min_ns\": 2}, \"call\": 7, "
		"\"copy_near\": {\"median_ns\": \"x\", \"min_ns\": -1}}}]}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct host host = make_host(3);
		json_t *described = json_loads(texts[i], JSON_DECODE_ANY, NULL);

		assert_non_null(described);
		host_load(&host, described);
		assert_text(&host, "no price is known");
		assert_true(isinf(host.load.least) && isinf(host.mhz.least));
		json_decref(described);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prices_are_those_of_the_probes_that_are_meant),
		cmocka_unit_test(what_is_no_price_is_none),
		cmocka_unit_test(a_change_is_more_than_a_tenth_and_more_than_twice_the_spread),
		cmocka_unit_test(the_largest_change_stands_first),
		cmocka_unit_test(the_price_is_the_middle_one_and_the_lower_of_two),
		cmocka_unit_test(what_an_earlier_session_saw_is_taken_over),
		cmocka_unit_test(what_cannot_be_is_not_taken_over),
	};

	return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}
