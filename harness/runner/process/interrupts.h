/*
 * interrupts.h - Ctrl-C and its like, counted.
 */
#ifndef GROWBENCH_HARNESS_RUNNER_INTERRUPTS_H
#define GROWBENCH_HARNESS_RUNNER_INTERRUPTS_H

#include <signal.h>

/* How many of SIGINT, SIGTERM and SIGHUP came since interrupts_catch(). In a run, after the first
 * the row in hand is finished, at the second its worker is killed. */
extern volatile sig_atomic_t interrupts;

/* Counts these signals from now on, but for those that are ignored (nohup). */
void interrupts_catch(void);

/* Ignores SIGPIPE and SIGXFSZ: a closed pipe and a file at its limit are reported by write(). */
void interrupts_ignore_write_signals(void);

#endif
