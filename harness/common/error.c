#include "harness/common/error.h"

#include <stdarg.h>
#include <stdio.h>

#include "harness/common/utf8.h"

bool error_set(struct error *error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(error->text, sizeof error->text, format, arguments);
	va_end(arguments);
	make_printable(error->text);
	return false;
}
