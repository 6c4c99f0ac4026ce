#include "harness/common/median.h"

double median(double *values, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		const double value = values[i];
		size_t place = i;

		for (; place > 0 && values[place - 1] > value; place--)
			values[place] = values[place - 1];
		values[place] = value;
	}
	return (values[(count - 1) / 2] + values[count / 2]) / 2;
}
