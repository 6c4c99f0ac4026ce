/*
 * partner.h - the other worker of a duet: both begin what is timed at the same moment.
 *
 * Two workers run at once, on CPUs of their own, so that what disturbs the machine meanwhile
 * disturbs both (Bulej, Horky, Tuma, Farquet, Prokopec: Duet benchmarking, ICPE 2020). A socket
 * lies between them, whose number PARTNER_VARIABLE has. At each meeting a worker sends the time at
 * which it is ready and reads the other's; both begin a margin after the later of the two. A worker
 * that ends closes its end, and nobody waits for it any longer.
 *
 * Without the variable there is no partner, and nothing here does anything.
 */
#ifndef GROWBENCH_HARNESS_PARTNER_H
#define GROWBENCH_HARNESS_PARTNER_H

#include <stdint.h>

#define PARTNER_VARIABLE "GROWBENCH_PARTNER_FD"

enum {
	/* At the first meeting: a worker of another build, or in another language, may know of no
	 * partners. */
	PARTNER_LONGEST_FIRST_WAIT_MS = 3000
};

/* Meets the partner: returns the moment of clock_now_ns() at which both begin, `margin_ns` after
 * both are ready; 0 if there is none, or no more. */
uint64_t partner_meet(uint64_t margin_ns);

/* Returns at that moment, busy until then: a CPU that slept would begin late. */
void partner_wait_until(uint64_t moment_ns);

#endif
