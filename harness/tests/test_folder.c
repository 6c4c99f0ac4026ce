#include "kernels/tests/cmocka_headers.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/runner/record/folder.h"
#include "support.h"

#define HEADER "a,b\n"

static struct error error;

static bool exists(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0;
}

static struct folder folder_named(const char *name)
{
	struct folder folder;

	assert_true(folder_init(&folder, below(name), &error));
	assert_int_equal(folder.csv_fd, -1);
	return folder;
}

/* The folder with runs.csv as given and nothing open. */
static struct folder folder_with_csv(const char *name, const char *csv)
{
	struct folder folder = folder_named(name);
	char path[PATH_MAX];

	assert_int_equal(mkdir(folder.path, 0755), 0);
	(void)snprintf(path, sizeof path, "%s/runs.csv", folder.path);
	write_file(path, csv, strlen(csv));
	return folder;
}

static void assert_file(const char *path, const char *expected)
{
	char *text = read_file(path, NULL);

	assert_string_equal(text, expected);
	free(text);
}

static void assert_csv(const struct folder *folder, const char *expected)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof path, "%s/runs.csv", folder->path);
	assert_file(path, expected);
}

/* The same under a name of its own. */
static struct folder new_folder_with_csv(const char *csv)
{
	static unsigned made;
	char name[16];

	(void)snprintf(name, sizeof name, "new%u", made++);
	return folder_with_csv(name, csv);
}

static void create(struct folder *folder)
{
	if (!folder_create(folder, HEADER, true, 1, &error))
		fail_msg("not created: %s", error.text);
}

static void a_name_that_is_too_long_is_refused(void **state)
{
	struct folder folder;
	char name[PATH_MAX];

	(void)state;
	memset(name, 'a', sizeof name);
	name[sizeof name - 1] = '\0';
	assert_false(folder_init(&folder, name, &error));
	assert_contains(error.text, "longer than");
	name[sizeof folder.path] = '\0';
	assert_false(folder_init(&folder, name, &error));
	name[sizeof folder.path - 1] = '\0';
	assert_true(folder_init(&folder, name, &error));
	assert_string_equal(folder.path, name);
}

static void slashes_at_the_end_of_a_name_do_not_count(void **state)
{
	struct folder folder;

	(void)state;
	assert_true(folder_init(&folder, "a/b//", &error));
	assert_string_equal(folder.path, "a/b");
	assert_true(folder_init(&folder, "/", &error));
	assert_string_equal(folder.path, "/");
}

static void a_new_folder_is_made_with_those_above_it_and_the_header(void **state)
{
	struct folder folder = folder_named("new/er/est");

	(void)state;
	assert_true(folder_check(&folder, false, &error));
	assert_false(exists(below("new")));
	assert_false(folder_open(&folder, &error));
	assert_contains(error.text, "cannot be opened");
	create(&folder);
	assert_csv(&folder, HEADER);
	assert_true(folder_append(&folder, "1,2\n", &error));
	assert_true(folder_append(&folder, "3,4\n", &error));
	assert_csv(&folder, HEADER "1,2\n3,4\n");
	assert_true(folder_sync(&folder, &error));
	folder_release(&folder);
	assert_int_equal(folder.csv_fd, -1);
}

static void an_empty_folder_is_accepted_and_left_as_it_is(void **state)
{
	struct folder folder = folder_named("empty");
	struct stat before;
	struct stat after;

	(void)state;
	assert_int_equal(mkdir(folder.path, 0700), 0);
	assert_int_equal(chmod(folder.path, 01777), 0);
	assert_int_equal(stat(folder.path, &before), 0);
	assert_true(folder_check(&folder, false, &error));
	assert_int_equal(stat(folder.path, &after), 0);
	/* The same folder, not one like it. */
	assert_int_equal(after.st_mode, before.st_mode);
	assert_int_equal(after.st_ctim.tv_sec, before.st_ctim.tv_sec);
	assert_int_equal(after.st_ctim.tv_nsec, before.st_ctim.tv_nsec);
	create(&folder);
	assert_csv(&folder, HEADER);
	folder_release(&folder);
}

static void a_folder_with_a_run_is_refused_unless_it_may_be_overwritten(void **state)
{
	struct folder folder = folder_with_csv("run", HEADER "old,row\n");

	(void)state;
	put("run/summary.csv", "old");
	put("run/notes.txt", "mine");
	assert_false(folder_check(&folder, false, &error));
	assert_contains(error.text, "has a run in it");
	assert_contains(error.text, "--resume");
	assert_contains(error.text, "--overwrite");
	assert_contains(error.text, folder.path);
	assert_csv(&folder, HEADER "old,row\n");

	assert_true(folder_check(&folder, true, &error));
	assert_csv(&folder, HEADER "old,row\n");
	create(&folder);
	assert_csv(&folder, HEADER);
	assert_false(exists(below("run/summary.csv")));
	assert_true(exists(below("run/notes.txt")));
	folder_release(&folder);
}

static void a_folder_with_anything_else_is_refused_even_to_overwrite(void **state)
{
	struct folder folder = folder_named("other");

	(void)state;
	assert_int_equal(mkdir(folder.path, 0755), 0);
	put("other/.hidden", "x");
	for (int overwrite = 0; overwrite <= 1; overwrite++) {
		error.text[0] = '\0';
		assert_false(folder_check(&folder, overwrite == 1, &error));
		assert_contains(error.text, "is not an empty folder");
	}
	assert_true(exists(below("other/.hidden")));
}

static void a_file_in_the_folders_place_is_refused(void **state)
{
	struct folder folder = folder_named("file");
	struct folder inside = folder_named("file/inside");

	(void)state;
	write_file(folder.path, "x", 1);
	assert_false(folder_check(&folder, true, &error));
	assert_contains(error.text, "is not an empty folder");
	assert_false(folder_create(&inside, HEADER, false, 1, &error));
	assert_contains(error.text, "cannot be made");
	assert_contains(error.text, inside.path);
	folder_release(&inside);
}

static void a_disk_with_too_little_room_is_refused_and_nothing_left(void **state)
{
	struct folder folder = folder_named("room");

	(void)state;
	assert_false(folder_create(&folder, HEADER, false, UINT64_MAX, &error));
	assert_contains(error.text, "MB free");
	assert_false(exists(folder.path));
	folder_release(&folder);
}

static void a_link_in_the_place_of_runs_csv_is_not_followed(void **state)
{
	struct folder folder = folder_named("link");

	(void)state;
	assert_int_equal(mkdir(folder.path, 0755), 0);
	put("victim", "precious");
	assert_int_equal(symlink("../victim", below("link/runs.csv")), 0);
	assert_false(folder_create(&folder, HEADER, false, 1, &error));
	assert_contains(error.text, "cannot be written");
	assert_file(below("victim"), "precious");
	folder_release(&folder);
}

static void a_link_in_the_folders_place_is_refused(void **state)
{
	struct folder folder = folder_named("link_to_folder");

	(void)state;
	/* To a folder that is there, and to one that is not. */
	assert_int_equal(mkdir(below("linked"), 0755), 0);
	for (int i = 0; i <= 1; i++) {
		assert_int_equal(symlink("linked", folder.path), 0);
		assert_false(folder_check(&folder, true, &error));
		assert_contains(error.text, "is a symbolic link");
		assert_int_equal(unlink(folder.path), 0);
		(void)rmdir(below("linked"));
	}
}

/* Folder and files that a umask of 0 leaves alone. */
static void nobody_else_may_write_to_what_is_made(void **state)
{
	static const char *const made[] = {"modes", "modes/run", "modes/run/runs.csv",
					   "modes/run/timeline.csv"};
	struct folder folder = folder_named("modes/run");
	mode_t before = umask(0);

	(void)state;
	create(&folder);
	assert_true(folder_append_timeline(&folder, HEADER, "1,2\n", &error));
	(void)umask(before);
	for (size_t i = 0; i < COUNT_OF(made); i++) {
		struct stat status;

		assert_int_equal(stat(below(made[i]), &status), 0);
		assert_int_equal(status.st_mode & 07777, S_ISDIR(status.st_mode) ? 0755 : 0644);
	}
	folder_release(&folder);
}

/* What folder_read hands over. */
struct seen {
	char lines[8][32];
	uint64_t numbers[8];
	size_t count;
	size_t refuse_at; /* a row's place from 1; 0: none */
};

static bool see(char *line, uint64_t number, void *data, struct error *reason)
{
	struct seen *seen = data;

	assert_true(seen->count < COUNT_OF(seen->lines));
	(void)snprintf(seen->lines[seen->count], sizeof *seen->lines, "%s", line);
	seen->numbers[seen->count++] = number;
	if (seen->count == seen->refuse_at)
		return error_set(reason, "row refused");
	/* It may be written to. */
	memset(line, '#', strlen(line));
	return true;
}

static bool reopen(struct folder *folder, struct seen *seen)
{
	return folder_open(folder, &error) && folder_read(folder, HEADER, see, seen, &error);
}

static void a_run_goes_on_behind_its_rows(void **state)
{
	struct folder folder = folder_with_csv("resume", HEADER "1,2\n\"x\",\n");
	struct seen seen = {.count = 0};

	(void)state;
	assert_true(reopen(&folder, &seen));
	assert_int_equal(seen.count, 2);
	assert_string_equal(seen.lines[0], "1,2");
	assert_string_equal(seen.lines[1], "\"x\",");
	assert_int_equal(seen.numbers[0], 2);
	assert_int_equal(seen.numbers[1], 3);
	assert_true(folder_append(&folder, "5,6\n", &error));
	assert_csv(&folder, HEADER "1,2\n\"x\",\n5,6\n");
	folder_release(&folder);
}

static void a_folder_that_is_written_to_is_refused_to_others(void **state)
{
	struct folder first = folder_named("locked");
	struct folder second = folder_named("locked");

	(void)state;
	create(&first);
	assert_true(folder_append(&first, "1,2\n", &error));
	assert_false(folder_create(&second, HEADER, true, 1, &error));
	assert_contains(error.text, "another growbench is writing to ");
	assert_contains(error.text, "another --out");
	assert_false(folder_open(&second, &error));
	assert_contains(error.text, "another growbench is writing to ");
	assert_csv(&first, HEADER "1,2\n");
	assert_int_equal(second.csv_fd, -1);
	folder_release(&first);
	assert_true(folder_open(&second, &error));
	folder_release(&second);
}

/* Between the look at the folder and the making of it somebody else made a run. */
static void a_run_that_came_in_between_is_left_alone(void **state)
{
	struct folder folder = folder_with_csv("between", HEADER "1,2\n");

	(void)state;
	assert_false(folder_create(&folder, HEADER, false, 1, &error));
	assert_contains(error.text, "has a run in it by now");
	assert_csv(&folder, HEADER "1,2\n");
	folder_release(&folder);
	put("between/machine.json", "{}");
	assert_true(folder_create(&folder, HEADER, true, 1, &error));
	assert_csv(&folder, HEADER);
	/* Or the old run could be gone on with, without its rows. */
	assert_int_equal(access(below("between/machine.json"), F_OK), -1);
	folder_release(&folder);
}

static bool is_below_3(uint64_t position, void *data)
{
	(void)data;
	return position > 0 && position < 3;
}

static void points_of_a_row_that_is_not_there_are_cut_off(void **state)
{
	static const struct {
		const char *before;
		const char *after;
	} cases[] = {
		{"p,n\n1,5\n1,6\n2,5\n2,6\n", "p,n\n1,5\n1,6\n2,5\n2,6\n"},
		{"p,n\n1,5\n2,5\n3,5\n3,6\n", "p,n\n1,5\n2,5\n"},
		{"p,n\n1,5\n2,5\n2,", "p,n\n1,5\n2,5\n"},
		{"p,n\nrubbish\n", "p,n\n"},
		{"p,n\n", "p,n\n"},
		{"p,", ""},
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct folder folder = new_folder_with_csv(HEADER);
		char path[PATH_MAX];

		(void)snprintf(path, sizeof path, "%s/timeline.csv", folder.path);
		write_file(path, cases[i].before, strlen(cases[i].before));
		assert_true(folder_cut_timeline(&folder, "p,n\n", is_below_3, NULL, &error));
		assert_file(path, cases[i].after);
	}
}

static void a_timeline_of_another_version_is_refused_and_left_alone(void **state)
{
	struct folder folder = folder_with_csv("points", HEADER);
	char path[PATH_MAX];

	(void)state;
	assert_true(folder_cut_timeline(&folder, "p,n\n", is_below_3, NULL, &error));
	(void)snprintf(path, sizeof path, "%s/timeline.csv", folder.path);
	write_file(path, "mine\n1,2\n", 9);
	assert_false(folder_cut_timeline(&folder, "p,n\n", is_below_3, NULL, &error));
	assert_contains(error.text, "timeline.csv, line 1: ");
	assert_file(path, "mine\n1,2\n");
}

static void a_torn_last_line_is_cut_off_wherever_it_is_torn(void **state)
{
	static const char torn[] = "3,4\n";

	(void)state;
	for (size_t cut = 0; cut < strlen(torn); cut++) {
		struct seen seen = {.count = 0};
		struct folder folder;
		char csv[64];

		(void)snprintf(csv, sizeof csv, HEADER "1,2\n%.*s", (int)cut, torn);
		folder = new_folder_with_csv(csv);
		assert_true(reopen(&folder, &seen));
		assert_int_equal(seen.count, 1);
		assert_string_equal(seen.lines[0], "1,2");
		assert_csv(&folder, HEADER "1,2\n");
		assert_true(folder_append(&folder, "5,6\n", &error));
		assert_csv(&folder, HEADER "1,2\n5,6\n");
		folder_release(&folder);
	}
}

static void a_file_without_our_header_is_refused_and_left_alone(void **state)
{
	static const struct {
		const char *csv;
		const char *reason;
	} cases[] = {
		{"a,c\n1,2\n", "runs.csv, line 1: "},
		{"a,b,c\n", "runs.csv, line 1: "},
		{"a\n", "runs.csv, line 1: "},
		{"1,2\n" HEADER, "runs.csv, line 1: "},
		{"\n", "runs.csv, line 1: "},
		{"", "has no header"},
		{"a,", "has no header"},
		{"a,b", "has no header"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct seen seen = {.count = 0};
		struct folder folder = new_folder_with_csv(cases[i].csv);

		assert_false(reopen(&folder, &seen));
		assert_contains(error.text, cases[i].reason);
		assert_int_equal(seen.count, 0);
		assert_csv(&folder, cases[i].csv);
		folder_release(&folder);
	}
}

static void a_row_that_is_refused_stops_it_and_changes_nothing(void **state)
{
	struct folder folder = folder_with_csv("refused", HEADER "1,2\nbad\n5,6\ntorn");
	struct seen seen = {.refuse_at = 2};

	(void)state;
	assert_false(reopen(&folder, &seen));
	assert_string_equal(error.text, "row refused");
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.numbers[1], 3);
	assert_csv(&folder, HEADER "1,2\nbad\n5,6\ntorn");
	folder_release(&folder);
}

static void a_line_with_a_zero_byte_is_refused(void **state)
{
	static const char csv[] = HEADER "1,2\n3,4\0\0\n";
	struct folder folder = folder_with_csv("zeros", "");
	struct seen seen = {.refuse_at = 99};
	char path[PATH_MAX];

	(void)state;
	(void)snprintf(path, sizeof path, "%s/runs.csv", folder.path);
	write_file(path, csv, sizeof csv - 1);
	assert_false(reopen(&folder, &seen));
	assert_contains(error.text, "runs.csv, line 3: this is no text");
	assert_int_equal(seen.count, 1);
	folder_release(&folder);
}

static bool goes_on(struct folder *folder)
{
	struct seen seen = {.count = 0};

	return reopen(folder, &seen);
}

static void only_a_regular_file_is_read_or_written(void **state)
{
	struct folder folder = folder_with_csv("irregular", HEADER);

	(void)state;
	put("a_victim", HEADER);
	assert_int_equal(symlink("../a_victim", below("irregular/timeline.csv")), 0);
	assert_true(goes_on(&folder));
	assert_false(folder_append_timeline(&folder, HEADER, "1,2\n", &error));
	assert_contains(error.text, "timeline.csv cannot be written");
	folder_release(&folder);

	/* Who opens this one waits for somebody at the other end. */
	for (int i = 0; i <= 1; i++) {
		const char *path = below(i == 0 ? "irregular/timeline.csv" : "irregular/runs.csv");

		assert_int_equal(unlink(path), 0);
		assert_int_equal(mkfifo(path, 0600), 0);
		assert_false(i == 0 ? folder_append_timeline(&folder, HEADER, "1,2\n", &error)
				    : goes_on(&folder));
		assert_contains(error.text, i == 0 ? "cannot be written" : "cannot be opened");
		folder_release(&folder);
	}
	assert_false(folder_create(&folder, HEADER, false, 1, &error));
	assert_contains(error.text, "cannot be written");
	folder_release(&folder);

	assert_int_equal(unlink(below("irregular/runs.csv")), 0);
	assert_int_equal(symlink("../a_victim", below("irregular/runs.csv")), 0);
	assert_false(goes_on(&folder));
	assert_file(below("a_victim"), HEADER);
	folder_release(&folder);
}

/* A child whose files may not become longer than `bytes`, as on a full disk. */
struct full_disk {
	struct folder folder;
	rlim_t bytes;
};

static int append_to_full_disk(void *data)
{
	struct full_disk *disk = data;
	const struct rlimit limit = {disk->bytes, disk->bytes};
	int code = 0;

	(void)signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
		return 10;
	if (!folder_append(&disk->folder, "1,2\n", &error))
		return 11;
	if (folder_append(&disk->folder, "3,45\n", &error))
		code = 12;
	else if (strstr(error.text, "runs.csv cannot be written") == NULL ||
		 strstr(error.text, "the rows so far are whole") == NULL)
		code = 13;
	return code;
}

static void on_a_full_disk_a_row_is_whole_or_not_there(void **state)
{
	const size_t before = strlen(HEADER "1,2\n");

	(void)state;
	/* There is room for 0 to 4 of the 5 bytes. */
	for (size_t room = 0; room < 5; room++) {
		struct full_disk disk;
		char name[16];
		int status;

		(void)snprintf(name, sizeof name, "full%zu", room);
		disk.folder = folder_named(name);
		disk.bytes = before + room;
		create(&disk.folder);
		status = status_of_child(append_to_full_disk, &disk);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
		assert_csv(&disk.folder, HEADER "1,2\n");
		folder_release(&disk.folder);
	}
}

static int create_on_full_disk(void *data)
{
	struct full_disk *disk = data;
	const struct rlimit limit = {disk->bytes, disk->bytes};

	(void)signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
		return 10;
	if (folder_create(&disk->folder, HEADER, false, 1, &error))
		return 11;
	return strstr(error.text, "cannot be written") == NULL ? 12 : 0;
}

static void a_header_that_does_not_fit_leaves_no_folder(void **state)
{
	struct full_disk disk = {folder_named("no_header"), 2};
	int status = status_of_child(create_on_full_disk, &disk);

	(void)state;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_false(exists(disk.folder.path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_that_is_too_long_is_refused),
		cmocka_unit_test(slashes_at_the_end_of_a_name_do_not_count),
		cmocka_unit_test(a_new_folder_is_made_with_those_above_it_and_the_header),
		cmocka_unit_test(an_empty_folder_is_accepted_and_left_as_it_is),
		cmocka_unit_test(a_folder_with_a_run_is_refused_unless_it_may_be_overwritten),
		cmocka_unit_test(a_folder_with_anything_else_is_refused_even_to_overwrite),
		cmocka_unit_test(a_file_in_the_folders_place_is_refused),
		cmocka_unit_test(a_disk_with_too_little_room_is_refused_and_nothing_left),
		cmocka_unit_test(a_link_in_the_place_of_runs_csv_is_not_followed),
		cmocka_unit_test(a_link_in_the_folders_place_is_refused),
		cmocka_unit_test(nobody_else_may_write_to_what_is_made),
		cmocka_unit_test(only_a_regular_file_is_read_or_written),
		cmocka_unit_test(a_run_goes_on_behind_its_rows),
		cmocka_unit_test(a_folder_that_is_written_to_is_refused_to_others),
		cmocka_unit_test(a_run_that_came_in_between_is_left_alone),
		cmocka_unit_test(points_of_a_row_that_is_not_there_are_cut_off),
		cmocka_unit_test(a_timeline_of_another_version_is_refused_and_left_alone),
		cmocka_unit_test(a_torn_last_line_is_cut_off_wherever_it_is_torn),
		cmocka_unit_test(a_file_without_our_header_is_refused_and_left_alone),
		cmocka_unit_test(a_row_that_is_refused_stops_it_and_changes_nothing),
		cmocka_unit_test(a_line_with_a_zero_byte_is_refused),
		cmocka_unit_test(on_a_full_disk_a_row_is_whole_or_not_there),
		cmocka_unit_test(a_header_that_does_not_fit_leaves_no_folder),
	};

	return cmocka_run_group_tests_name("folder", tests, make_temporary, remove_temporary);
}
