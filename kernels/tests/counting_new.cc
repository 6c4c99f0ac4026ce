/* operator new and delete on top of the counting allocator: --wrap puts these in their place. */
#include <cstddef>
#include <new>

extern "C" {
void *__wrap_malloc(std::size_t bytes);
void __wrap_free(void *block);

/* operator new(size_t), operator delete(void *) and operator delete(void *, size_t) as the linker
 * knows them. */
void *__wrap__Znwm(std::size_t bytes);
void __wrap__ZdlPv(void *block);
void __wrap__ZdlPvm(void *block, std::size_t bytes);
}

void *__wrap__Znwm(std::size_t bytes)
{
	void *const block = __wrap_malloc(bytes);

	if (block == nullptr)
		throw std::bad_alloc();
	return block;
}

void __wrap__ZdlPv(void *block)
{
	__wrap_free(block);
}

void __wrap__ZdlPvm(void *block, std::size_t bytes)
{
	(void)bytes;
	__wrap_free(block);
}
