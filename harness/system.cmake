# Refuses a system on which figures would be wrong, or could not be taken, whatever is installed: with
# one message that says what is missing and what works all the same. What can be done without (peaks,
# system calls, ...) is found out when it runs: growbench doctor.
include(CheckCSourceCompiles)

set(not_here "")
if(NOT CMAKE_SYSTEM_NAME STREQUAL Linux)
	list(APPEND not_here "Linux (this is ${CMAKE_SYSTEM_NAME}): memory and page faults are read from its /proc")
endif()
if(NOT CMAKE_SIZEOF_VOID_P EQUAL 8)
	math(EXPR bits "8 * ${CMAKE_SIZEOF_VOID_P}")
	list(APPEND not_here "64 bits (this compiler makes programs of ${bits}): arrays larger than their address space are planned, and 2^63 is a count")
endif()
if(CMAKE_SIZEOF_VOID_P EQUAL 8)
	check_c_source_compiles("#include <features.h>
#if !defined __GLIBC__ || !__GLIBC_PREREQ(2, 34)
#error
#endif
int main(void) { return 0; }" has_glibc)
	if(NOT has_glibc)
		list(APPEND not_here "glibc 2.34 or newer (this C library is older, or another, such as musl): its loader puts allocators in front of malloc, and says which one is there")
	endif()
endif()
if(not_here)
	list(JOIN not_here "\n  " not_here)
	message(FATAL_ERROR "growbench cannot measure on this system. It needs\n  ${not_here}\n"
		"What works all the same needs Python alone: plots, tables, reports and comparisons of runs "
		"that were made elsewhere, such as  make report RUN=results/reference-epyc-2cpu\n")
endif()
