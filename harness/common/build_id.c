#include "harness/common/build_id.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Notes are small; a file that says otherwise is not believed. */
enum {
	MOST_NOTE_BYTES = 64 * 1024
};

static size_t padded(size_t size)
{
	return (size + 3) & ~(size_t)3;
}

bool build_id_of_notes(const unsigned char *notes, size_t size, char text[BUILD_ID_SIZE])
{
	while (size >= sizeof(ElfW(Nhdr))) {
		ElfW(Nhdr) header;
		size_t length;

		memcpy(&header, notes, sizeof header);
		if (header.n_namesz > size || header.n_descsz > size)
			return false;
		length = sizeof header + padded(header.n_namesz) + padded(header.n_descsz);
		if (length > size)
			return false;
		if (header.n_type == NT_GNU_BUILD_ID && header.n_namesz == 4 &&
		    memcmp(notes + sizeof header, "GNU", 4) == 0) {
			const unsigned char *id = notes + sizeof header + 4;
			size_t bytes = header.n_descsz;

			if (bytes > (BUILD_ID_SIZE - 1) / 2)
				bytes = (BUILD_ID_SIZE - 1) / 2;
			for (size_t i = 0; i < bytes; i++)
				(void)snprintf(text + 2 * i, 3, "%02x", id[i]);
			return bytes > 0;
		}
		notes += length;
		size -= length;
	}
	return false;
}

/* Reads all of it; a file that is shorter is no error of the system. */
static bool read_at(int fd, void *bytes, size_t size, uint64_t offset)
{
	errno = 0;
	return offset <= INT64_MAX && pread(fd, bytes, size, (off_t)offset) == (ssize_t)size;
}

/* Is it an ELF file of our word size and byte order? Others have headers of another layout. */
static bool is_ours(const ElfW(Ehdr) * header)
{
	const unsigned char class = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32;
	const unsigned char order =
		__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;

	return memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 &&
	       header->e_ident[EI_CLASS] == class && header->e_ident[EI_DATA] == order &&
	       header->e_phentsize == sizeof(ElfW(Phdr));
}

static bool find_in_segment(int fd, const ElfW(Phdr) * segment, char text[BUILD_ID_SIZE])
{
	unsigned char *notes;
	bool found;

	if (segment->p_type != PT_NOTE || segment->p_filesz > MOST_NOTE_BYTES)
		return false;
	notes = malloc(segment->p_filesz + 1);
	found = notes != NULL && read_at(fd, notes, segment->p_filesz, segment->p_offset) &&
		build_id_of_notes(notes, segment->p_filesz, text);
	free(notes);
	return found;
}

static bool find_in_file(int fd, char text[BUILD_ID_SIZE], struct error *error)
{
	ElfW(Ehdr) header;
	bool whole;

	whole = read_at(fd, &header, sizeof header, 0);
	if (!whole && errno != 0)
		return error_set(error, "it cannot be read: %s", strerror(errno));
	if (!whole || !is_ours(&header))
		return error_set(error, "it is not an ELF file of this kind of machine");
	for (unsigned i = 0; i < header.e_phnum; i++) {
		ElfW(Phdr) segment;

		if (!read_at(fd, &segment, sizeof segment,
			     header.e_phoff + i * (uint64_t)sizeof segment))
			break;
		if (find_in_segment(fd, &segment, text))
			return true;
	}
	return error_set(error, "it was linked without one (-Wl,--build-id)");
}

bool build_id_of_file(const char *path, char text[BUILD_ID_SIZE], struct error *error)
{
	/* Not to be kept waiting by a FIFO. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool found;

	*text = '\0';
	if (fd < 0)
		return error_set(error, "it cannot be read: %s", strerror(errno));
	found = find_in_file(fd, text, error);
	(void)close(fd);
	return found;
}
