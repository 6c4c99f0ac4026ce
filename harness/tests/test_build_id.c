#include "kernels/tests/cmocka_headers.h"

#include <elf.h>
#include <limits.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "harness/common/build_id.h"
#include "support.h"

/* An ELF file with one segment of notes: a note of another kind, then a build-id of 01 02 03 04. */
struct image {
	ElfW(Ehdr) header;
	ElfW(Phdr) segment;
	struct {
		ElfW(Nhdr) header;
		char name[4];
		unsigned char text[8]; /* of 5 bytes, padded */
	} other;
	struct {
		ElfW(Nhdr) header;
		char name[4];
		unsigned char id[4];
	} build_id;
};

static struct image good_image(void)
{
	struct image image;
	char *own = read_file("/proc/self/exe", NULL);

	memset(&image, 0, sizeof image);
	memcpy(&image.header, own, sizeof image.header);
	free(own);
	image.header.e_phoff = offsetof(struct image, segment);
	image.header.e_phnum = 1;
	image.segment.p_type = PT_NOTE;
	image.segment.p_offset = offsetof(struct image, other);
	image.segment.p_filesz = sizeof image.other + sizeof image.build_id;
	image.other.header = (ElfW(Nhdr)){.n_namesz = 4, .n_descsz = 5, .n_type = 1};
	memcpy(image.other.name, "GNU", 4);
	image.build_id.header =
		(ElfW(Nhdr)){.n_namesz = 4, .n_descsz = 4, .n_type = NT_GNU_BUILD_ID};
	memcpy(image.build_id.name, "GNU", 4);
	memcpy(image.build_id.id, "\x01\x02\xfe\x04", 4);
	return image;
}

/* The build-id that is found in the image's first `length` bytes as a file. */
static void assert_found(const struct image *image, size_t length, const char *expected)
{
	char text[BUILD_ID_SIZE] = "stale";
	struct error reason = {""};

	write_file(below("image"), image, length);
	if (!build_id_of_file(below("image"), text, &reason))
		fail_msg("%s", reason.text);
	assert_string_equal(text, expected);
}

static void assert_none(const struct image *image, size_t length, const char *why)
{
	char text[BUILD_ID_SIZE] = "stale";
	struct error reason = {""};

	write_file(below("image"), image, length);
	if (build_id_of_file(below("image"), text, &reason))
		fail_msg("'%s' was found; it should say: %s", text, why);
	assert_contains(reason.text, why);
	assert_string_equal(text, "");
}

static void it_is_what_readelf_reads_in_this_program(void **state)
{
	char text[BUILD_ID_SIZE];
	char expected[BUILD_ID_SIZE];
	char path[PATH_MAX];
	struct error reason = {""};
	bool found;

	(void)state;
	/* The shell's own /proc/self/exe is another, and an emulator shows itself to others. */
	assert_non_null(realpath("/proc/self/exe", path));
	if (!readelf_build_id(path, expected, sizeof expected))
		SKIP_BECAUSE("there is no readelf");
	found = build_id_of_file("/proc/self/exe", text, &reason);
	assert_int_equal(found, *expected != '\0');
	assert_string_equal(text, expected);
	if (!found)
		SKIP_BECAUSE("the linker leaves no build-id");
}

static void it_is_found_behind_other_notes(void **state)
{
	const struct image image = good_image();

	(void)state;
	assert_found(&image, sizeof image, "0102fe04");
}

static void a_file_without_one_has_a_reason_without_its_path(void **state)
{
	struct image image = good_image();
	char text[BUILD_ID_SIZE];
	struct error reason;

	(void)state;
	image.build_id.header.n_type = NT_GNU_BUILD_ID + 1;
	assert_none(&image, sizeof image, "linked without one");
	image = good_image();
	memcpy(image.build_id.name, "XYZ", 4);
	assert_none(&image, sizeof image, "linked without one");
	image = good_image();
	image.segment.p_type = PT_LOAD;
	assert_none(&image, sizeof image, "linked without one");
	image = good_image();
	image.build_id.header.n_descsz = 0;
	assert_none(&image, sizeof image, "linked without one");

	assert_false(build_id_of_file(below("none"), text, &reason));
	assert_string_equal(reason.text, "it cannot be read: No such file or directory");
	assert_false(build_id_of_file(temporary, text, &reason));
	assert_string_equal(reason.text, "it cannot be read: Is a directory");
}

static void what_is_no_elf_file_of_ours_has_none(void **state)
{
	struct image image = good_image();

	(void)state;
	assert_none(&image, 0, "not an ELF file");
	assert_none(&image, sizeof image.header - 1, "not an ELF file");
	image.header.e_ident[EI_CLASS] ^= ELFCLASS32 ^ ELFCLASS64;
	assert_none(&image, sizeof image, "not an ELF file");
	image = good_image();
	image.header.e_ident[EI_DATA] ^= ELFDATA2LSB ^ ELFDATA2MSB;
	assert_none(&image, sizeof image, "not an ELF file");
	image = good_image();
	memcpy(image.header.e_ident, "#!/b", 4);
	assert_none(&image, sizeof image, "not an ELF file");
}

static void a_file_that_lies_about_its_lengths_has_none(void **state)
{
	struct image image = good_image();

	(void)state;
	assert_none(&image, offsetof(struct image, build_id) + sizeof image.build_id - 1,
		    "linked without one");
	assert_none(&image, sizeof image.header + 3, "linked without one");
	image.header.e_phoff = (ElfW(Off)) - 1;
	assert_none(&image, sizeof image, "linked without one");
	image = good_image();
	image.segment.p_offset = (ElfW(Off)) - 1;
	assert_none(&image, sizeof image, "linked without one");
	image = good_image();
	image.segment.p_filesz = (ElfW(Xword)) - 1;
	assert_none(&image, sizeof image, "linked without one");
	image = good_image();
	image.build_id.header.n_descsz = UINT32_MAX;
	assert_none(&image, sizeof image, "linked without one");
	image = good_image();
	image.other.header.n_namesz = UINT32_MAX;
	assert_none(&image, sizeof image, "linked without one");
}

static void one_that_is_longer_than_the_room_is_cut(void **state)
{
	unsigned char notes[sizeof(ElfW(Nhdr)) + 4 + 100];
	const ElfW(Nhdr) header = {.n_namesz = 4, .n_descsz = 100, .n_type = NT_GNU_BUILD_ID};
	char text[BUILD_ID_SIZE];

	(void)state;
	memset(notes, 0xab, sizeof notes);
	memcpy(notes, &header, sizeof header);
	memcpy(notes + sizeof header, "GNU", 4);
	assert_true(build_id_of_notes(notes, sizeof notes, text));
	assert_int_equal(strlen(text), BUILD_ID_SIZE - 1);
	assert_int_equal(strspn(text, "ab"), BUILD_ID_SIZE - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_what_readelf_reads_in_this_program),
		cmocka_unit_test(it_is_found_behind_other_notes),
		cmocka_unit_test(a_file_without_one_has_a_reason_without_its_path),
		cmocka_unit_test(what_is_no_elf_file_of_ours_has_none),
		cmocka_unit_test(a_file_that_lies_about_its_lengths_has_none),
		cmocka_unit_test(one_that_is_longer_than_the_room_is_cut),
	};

	return cmocka_run_group_tests_name("build-id", tests, make_temporary, remove_temporary);
}
