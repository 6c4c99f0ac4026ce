#include "pointer_list.h"

#include "checksum.h"

uint64_t pointer_list_scan(const struct array *array)
{
	struct checksum checksum = {0};

	for (size_t row = 0; row < array->rows; row++)
		checksum_rows(&checksum, array->index[row], 1, array->row_bytes);
	return checksum_value(&checksum);
}

void pointer_list_release(struct array *array)
{
	block_index_free(array, array->rows);
	array_forget(array);
}
