#include "harness/runner/request/choose_replay.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

/* What else says what is built, and cannot be said of a recorded program. */
static bool check_arguments(const struct arguments *given, struct error *error)
{
	const struct {
		const char *name;
		bool given;
	} others[] = {
		{"strategies", given->strategies != NULL},
		{"implementations", given->implementations != NULL},
		{"rows", given->rows != NULL},
		{"row-bytes", given->row_bytes != NULL},
		{"shapes", given->shapes != NULL},
		{"threads", given->threads != NULL},
		{"timeline", given->timeline != NULL},
	};

	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (others[i].given)
			return error_set(error,
					 "--profile says what is built, all of it; leave out --%s",
					 others[i].name);
	return true;
}

/* SHA-256 of the file, in hexadecimal digits; NULL with a message. */
static char *digest_of(const char *path, struct error *error)
{
	g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
	unsigned char buffer[1 << 14];
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = -1;

	while (fd >= 0 && (length = read(fd, buffer, sizeof buffer)) > 0)
		g_checksum_update(checksum, buffer, length);
	if (fd >= 0)
		(void)close(fd);
	if (length < 0) {
		(void)error_set(error, "%s cannot be read", path);
		return NULL;
	}
	return g_strdup(g_checksum_get_string(checksum));
}

bool choose_replay(struct request *request, struct error *error)
{
	const struct arguments *given = &request->given;
	const struct replay_choice choice = {
		given->profile, given->process.given ? given->process.value : PROFILE_UNKNOWN, 0};
	const struct strategy *strategy;

	if (!check_arguments(given, error))
		return false;
	strategy = replay_open(&choice, error);
	if (strategy == NULL)
		return false;
	request->replay = replay_facts();
	if (!replay_look_at_all(error))
		return false;
	request->profile_digest = digest_of(given->profile, error);
	if (request->profile_digest == NULL)
		return false;
	request->strategies = g_new0(const struct strategy *, 2);
	request->strategies[request->strategy_count++] = strategy;
	request->shapes = g_new0(struct shape, 1);
	request->shapes[request->shape_count++] =
		(struct shape){request->replay->totals.events, request->replay->row_bytes};
	request->row_bytes = (struct counts){g_new0(uint64_t, 1), 1};
	request->row_bytes.values[0] = request->replay->row_bytes;
	request->threads = (struct counts){g_new0(uint64_t, 1), 1};
	request->threads.values[0] = request->replay->threads;
	return true;
}
