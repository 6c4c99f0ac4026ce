/*
 * folder.h - a run's folder, its runs.csv, and its timeline.csv.
 *
 * A row is in the file whole or not at all: it is appended by one write, and what a full disk let
 * through of it is cut off again. Whoever writes holds a lock on runs.csv (flock(2)), so that two
 * runners cannot write to one folder; the kernel drops it when the runner ends, however it ends.
 */
#ifndef GROWBENCH_HARNESS_FOLDER_H
#define GROWBENCH_HARNESS_FOLDER_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/common/error.h"

struct folder {
	char path[PATH_MAX - 64];
	int csv_fd;      /* -1: not open */
	int timeline_fd; /* the same; opened when there is something to write */
};

/* Names the folder; false with a message if the name is too long. Touches nothing. */
bool folder_init(struct folder *folder, const char *path, struct error *error);

/* Closes the files. */
void folder_release(struct folder *folder);

/* May a new run go there? A folder that does not exist, is empty, or has a run in it that may be
 * overwritten is fine; a link to one is not. Touches nothing. */
bool folder_check(const struct folder *folder, bool overwrite, struct error *error);

/*
 * Makes the folder and those above it, checks that `needed_bytes` are free on its disk, locks
 * runs.csv and starts it with its header; a run that came there after folder_check() looked is
 * left alone unless it may be overwritten. A summary.csv that is there is removed, as it is of
 * other rows, and so is all else that is made from them but for the plots. On failure what was made
 * is taken away again as far as possible.
 */
bool folder_create(struct folder *folder, const char *header, bool overwrite, uint64_t needed_bytes,
		   struct error *error);

/* Takes a folder away again that folder_create made and that has no rows. Allocates nothing. */
void folder_abandon(struct folder *folder);

/* Are needed_bytes free on the folder's disk? */
bool folder_check_space(const struct folder *folder, uint64_t needed_bytes, struct error *error);

/* Appends one row, newline included. */
bool folder_append(const struct folder *folder, const char *row, struct error *error);

/* Appends lines to timeline.csv, which begins with `header` if it is new, and loses a torn last
 * line if it is not. */
bool folder_append_timeline(struct folder *folder, const char *header, const char *rows,
			    struct error *error);

/* Opens and locks the runs.csv of a run that goes on. */
bool folder_open(struct folder *folder, struct error *error);

/*
 * Reads the runs.csv that folder_open() opened: checks the header, hands each row (without its
 * newline; it may be written to) with its line's number to `row`, stops if that returns false, and
 * cuts off a torn last line.
 */
bool folder_read(struct folder *folder, const char *header,
		 bool (*row)(char *line, uint64_t number, void *data, struct error *error),
		 void *data, struct error *error);

/* Cuts timeline.csv, if there is one, before the first line that is torn or for whose position, its
 * first field, `has_row` is false: points of a row that was not written any more. */
bool folder_cut_timeline(const struct folder *folder, const char *header,
			 bool (*has_row)(uint64_t position, void *data), void *data,
			 struct error *error);

/* Brings runs.csv to the disk. */
bool folder_sync(const struct folder *folder, struct error *error);

#endif
