#include "harness/runner/execute/headline.h"

/* Each a sum of columns, or what there is of it. */
static const struct {
	const char *columns[2];
	const char *instead; /* of a worker that reports no quantiles */
} headlines[HEADLINES] = {
	[HEADLINE_COLD] = {{"cold_build_ns", "cold_release_ns"}, NULL},
	[HEADLINE_WARM] = {{"warm_build_release_p25_ns", NULL}, "warm_build_release_median_ns"},
};

double headline_ns(const struct record *record, enum headline headline)
{
	double sum = 0;

	for (size_t i = 0; i < 2 && headlines[headline].columns[i] != NULL; i++)
		sum += record_get_real(record, headlines[headline].columns[i], 0);
	return sum > 0 || headlines[headline].instead == NULL
		       ? sum
		       : record_get_real(record, headlines[headline].instead, 0);
}
