#include "harness/common/utf8.h"

#include <stdint.h>
#include <string.h>

size_t utf8_length(const char *text)
{
	/* The least code point of each length: a longer form of a smaller one is not valid. */
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *bytes = (const unsigned char *)text;
	size_t length = 0;
	uint32_t point;

	if (bytes[0] < 0x80)
		length = 1;
	else if (bytes[0] >> 5 == 0x06)
		length = 2;
	else if (bytes[0] >> 4 == 0x0e)
		length = 3;
	else if (bytes[0] >> 3 == 0x1e)
		length = 4;
	point = length < 2 ? bytes[0] : bytes[0] & (0x7fU >> length);
	for (size_t i = 1; i < length; i++) {
		if (bytes[i] >> 6 != 2)
			return 0;
		point = point << 6 | (bytes[i] & 0x3fU);
	}
	if (length == 0 || point < least[length] || point > 0x10ffff ||
	    (point >= 0xd800 && point < 0xe000))
		return 0;
	return length;
}

bool utf8_is_control(const char *text)
{
	const unsigned char *bytes = (const unsigned char *)text;

	/* From U+0080 to U+009F there are more of them, which terminals understand. */
	return (bytes[0] > 0 && bytes[0] < 0x20) || bytes[0] == 0x7f ||
	       (bytes[0] == 0xc2 && bytes[1] >= 0x80 && bytes[1] < 0xa0);
}

void utf8_trim(char *text)
{
	size_t length = strlen(text);
	size_t begin = length;

	while (begin > 0 && length - begin < 3 && ((unsigned char)text[begin - 1] >> 6) == 2)
		begin--;
	if (begin > 0 && utf8_length(text + begin - 1) == 0)
		text[begin - 1] = '\0';
}

void make_printable(char *text)
{
	while (*text != '\0') {
		size_t length = utf8_length(text);

		if (length == 0 || utf8_is_control(text)) {
			length = length == 0 ? 1 : length;
			memset(text, '?', length);
		}
		text += length;
	}
}
