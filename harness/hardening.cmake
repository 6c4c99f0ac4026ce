# growbench-hardening: what the runner is compiled and linked with, so that a mistake in it ends it
# rather than being made use of. It reads what workers and other people's files say.
#
# The kernels, the worker, the shim and the interposer go without: they are what is measured. A
# checked memcpy and a canary are instructions in the loops, zeroed variables are stores to them,
# and both lay the code out otherwise than the compiler does for whoever uses such a loop.
# Nor is it for sanitizers, which have checks of their own and do not see what _FORTIFY_SOURCE puts in
# the place of a call.
include(CheckCCompilerFlag)
include(CheckCSourceCompiles)

add_library(growbench-hardening INTERFACE)
if(GROWBENCH_SANITIZE)
	return()
endif()

# -fcf-protection is of x86; zeroing is of GCC 12 and Clang 16.
foreach(flag IN ITEMS -fstack-protector-strong -fstack-clash-protection -fcf-protection
		-ftrivial-auto-var-init=zero)
	string(MAKE_C_IDENTIFIER "has${flag}" known)
	check_c_compiler_flag(${flag} ${known})
	if(${known})
		target_compile_options(growbench-hardening INTERFACE ${flag})
	endif()
endforeach()

# Level 3 is of GCC 12 with glibc 2.35; older ones warn that it is level 2. Without optimisation
# there are no checks, and a warning.
set(CMAKE_REQUIRED_FLAGS "-O2 -Werror -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3")
check_c_source_compiles("#include <stdio.h>\nint main(void) { return 0; }" has_fortify_source_3)
unset(CMAKE_REQUIRED_FLAGS)
set(fortify -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$<IF:$<BOOL:${has_fortify_source_3}>,3,2>)
target_compile_options(growbench-hardening INTERFACE "$<$<NOT:$<CONFIG:Debug>>:${fortify}>")

# The runner holds the kernels' names and costs, and these are compiled as the compiler does by
# itself: so all of it can lie anywhere, or nothing.
check_c_source_compiles("#ifndef __PIE__\n#error\n#endif\nint main(void) { return 0; }" makes_pie)
if(makes_pie)
	target_compile_options(growbench-hardening INTERFACE -fPIE)
	target_link_options(growbench-hardening INTERFACE -pie)
endif()
target_link_options(growbench-hardening INTERFACE
	LINKER:-z,relro LINKER:-z,now LINKER:-z,noexecstack)
