#include "harness/runner/request/passes.h"

#include <stddef.h>

const char *const pass_names[] = {
	[PASS_MEASURE] = "measure", [PASS_PATTERN] = "pattern",
	[PASS_TRACE] = "trace",     [PASS_LATENCY] = "latency",
	[PASS_PROBE] = "probe",     [PASS_INSTRUCTIONS] = "instructions",
	[PASS_COUNT] = NULL,
};
