// Operators new and delete, for the tests of what is recorded of them.
#include <cstddef>
#include <new>
#include <string>
#include <vector>

struct alignas(128) aligned_thing {
	char bytes[70144];
};

int main()
{
	const std::size_t mark = 70000;
	char *plain = new char[mark];
	char *nothrow = new (std::nothrow) char[mark + 1];
	auto *aligned = new aligned_thing;
	std::vector<char> grown;

	/* Nobody reads them. */
	// cppcheck-suppress uninitdata
	delete[] plain;
	// cppcheck-suppress uninitdata
	delete[] nothrow;
	// cppcheck-suppress uninitdata
	delete aligned;
	grown.reserve(mark + 2);
	try {
		(void)operator new[](static_cast<std::size_t>(-1) / 4);
	} catch (const std::bad_alloc &) {
		return 0;
	}
	return 1;
}
