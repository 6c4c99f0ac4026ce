/* Prices are planted: what is known of a host, and whether it changed, must be what they say. */
#include "kernels/tests/cmocka_headers.h"

#include <math.h>
#include <string.h>

#include <glib.h>

#include "harness/runner/execute/host.h"
#include "harness/runner/request/read.h"
#include "support.h"

static const struct topology topology = {
	.cache_count = 2,
	.caches = {{.level = 1, .type = 'd', .bytes = 32 << 10},
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
	host = host_init(&topology, &request, NULL, NULL);
	host.probe_visits = visits;
	return host;
}

static void note(struct host *host, const char *probe, uint64_t bytes, uint64_t round,
		 double median_ns, double min_ns)
{
	struct record record = record_init();

	record_set_text(&record, "pass", "probe");
	record_set_text(&record, "strategy", probe);
	record_set_count(&record, "row_bytes", bytes);
	record_set_count(&record, "round", round);
	record_set_status(&record, "ok", "measured");
	record_set_real(&record, "probe_ns", median_ns);
	record_set_real(&record, "probe_min_ns", min_ns);
	host_note(host, &record);
	record_release(&record);
}

static void note_page(struct host *host, uint64_t round, double median_ns, double min_ns)
{
	note(host, "touch", 1 << 20, round, median_ns, min_ns);
}

static void assert_changed(const struct host *host, const char *expected)
{
	char text[300];

	assert_int_equal(host_changed(host, text, sizeof text), *expected != '\0');
	assert_string_equal(text, expected);
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
	assert_true(fabs(host.looks[HOST_START].prices[INSTRUCTION].median_ns - 0.25) < 1e-12);
	assert_true(fabs(host.looks[HOST_MIDDLE].prices[CALL].min_ns - 190) < 1e-12);
	assert_true(fabs(host.looks[HOST_END].prices[PAGE].median_ns - 2000) < 1e-12);
	assert_true(fabs(host.looks[HOST_START].prices[COPY_NEAR].median_ns - 90) < 1e-12);
	assert_true(fabs(host.looks[HOST_START].prices[COPY_FAR].median_ns - 7e6) < 1e-3);
	assert_true(host.looks[HOST_START].prices[PAGE].median_ns <= 0);
}

static void of_two_visits_the_second_is_at_the_end(void **state)
{
	struct host host = make_host(2);

	(void)state;
	note_page(&host, 1, 2000, 1990);
	note_page(&host, 2, 3000, 2990);
	assert_changed(&host, "page +50% (start to end)");
}

static void what_is_no_price_is_none(void **state)
{
	struct host host = make_host(3);
	struct record record = record_init();
	g_autofree char *text = NULL;
	json_t *described;

	(void)state;
	note_page(&host, 1, 2000, 0);
	note_page(&host, 1, 1000, 2000);
	note_page(&host, 1, -1, -2);
	record_set_text(&record, "pass", "probe");
	record_set_text(&record, "strategy", "touch");
	record_set_count(&record, "row_bytes", 1 << 20);
	record_set_count(&record, "round", 1);
	record_set_status(&record, "unprobed", "there are no pages");
	host_note(&host, &record);
	record_release(&record);
	text = host_text(&host);
	assert_string_equal(text, "no price is known");
	described = host_describe(&host);
	assert_true(json_is_null(json_object_get(described, "changed")));
	assert_string_equal(
		json_string_value(json_object_get(
			json_object_get(json_object_get(described, "probes"), "page"), "why_not")),
		"there are no pages");
	json_decref(described);
}

static void a_change_is_more_than_a_tenth_and_more_than_twice_the_spread(void **state)
{
	/* Medians and minima at start and end. */
	static const struct {
		double start[2];
		double end[2];
		const char *changed;
	} cases[] = {
		{{1000, 990}, {1090, 1085}, ""},
		{{1000, 990}, {1110, 1100}, "page +11% (start to end)"},
		/* Down is up the other way round. */
		{{1110, 1100}, {1000, 990}, "page -10% (start to end)"},
		{{1090, 1080}, {1000, 990}, ""},
		{{1000, 990}, {800, 795}, "page -20% (start to end)"},
		/* Its values were 30% apart by themselves. */
		{{1300, 1000}, {1900, 1890}, ""},
		{{1300, 1000}, {2200, 2190}, "page +69% (start to end)"},
		/* Somebody was in the way of half of the values at the end. */
		{{1000, 990}, {2000, 1000}, ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct host host = make_host(2);

		note_page(&host, 1, cases[i].start[0], cases[i].start[1]);
		note_page(&host, 2, cases[i].end[0], cases[i].end[1]);
		assert_changed(&host, cases[i].changed);
	}
}

static void
the_largest_change_stands_first_between_the_moments_that_are_furthest_apart(void **state)
{
	struct host host = make_host(3);
	json_t *described;
	json_t *change;

	(void)state;
	note_page(&host, 1, 1000, 990);
	note_page(&host, 2, 1500, 1490);
	note_page(&host, 3, 1200, 1190);
	note(&host, "instruction", 1, 1, 0.2, 0.199);
	note(&host, "instruction", 1, 2, 0.2, 0.199);
	note(&host, "instruction", 1, 3, 0.4, 0.399);
	assert_changed(&host, "instruction +100% (start to end), page +50% (start to middle)");
	described = host_describe(&host);
	assert_true(json_is_true(json_object_get(described, "changed")));
	change = json_array_get(json_object_get(described, "changes"), 1);
	assert_string_equal(json_string_value(json_object_get(change, "price")), "page");
	assert_true(fabs(json_real_value(json_object_get(change, "ratio")) - 1.5) < 1e-12);
	json_decref(described);
}

static void one_moment_says_nothing_of_a_change(void **state)
{
	struct host host = make_host(3);
	g_autofree char *text = NULL;
	json_t *described;

	(void)state;
	note_page(&host, 1, 1234, 1200);
	text = host_text(&host);
	assert_string_equal(text, "page 1.23 us");
	described = host_describe(&host);
	assert_true(json_is_null(json_object_get(described, "changed")));
	json_decref(described);
}

static void a_steady_host_is_called_so_with_the_middle_of_its_prices(void **state)
{
	struct host host = make_host(3);
	g_autofree char *text = NULL;

	(void)state;
	for (uint64_t round = 1; round <= 3; round++) {
		note_page(&host, round, 1990 + 10 * (double)round, 1980);
		note(&host, "instruction", 1, round, 0.25, 0.25);
		note(&host, "copy", 64 << 20, round, 7e6, 6.9e6);
	}
	text = host_text(&host);
	assert_string_equal(text, "instruction 0.25 ns, page 2.01 us, copy_far 7 ms; steady");
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
	assert_changed(&after, "page +50% (start to end)");
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
		g_autofree char *text = NULL;

		assert_non_null(described);
		host_load(&host, described);
		text = host_text(&host);
		assert_string_equal(text, "no price is known");
		assert_true(host.load.most < host.load.least && host.mhz.most < host.mhz.least);
		json_decref(described);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prices_are_those_of_the_probes_that_are_meant),
		cmocka_unit_test(of_two_visits_the_second_is_at_the_end),
		cmocka_unit_test(what_is_no_price_is_none),
		cmocka_unit_test(a_change_is_more_than_a_tenth_and_more_than_twice_the_spread),
		cmocka_unit_test(
			the_largest_change_stands_first_between_the_moments_that_are_furthest_apart),
		cmocka_unit_test(one_moment_says_nothing_of_a_change),
		cmocka_unit_test(a_steady_host_is_called_so_with_the_middle_of_its_prices),
		cmocka_unit_test(what_an_earlier_session_saw_is_taken_over),
		cmocka_unit_test(what_cannot_be_is_not_taken_over),
	};

	return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}
