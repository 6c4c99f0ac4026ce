/*
 * allocator.h - what some allocators can be asked for that C has no function for: how much memory a
 * request would be given, and to make a block larger where it stands.
 *
 * An allocator rounds a request up, to a size class or to whole pages. What it gives above the
 * request is the program's only if the program asks for it: malloc_usable_size tells how much there
 * is, but malloc_usable_size(3) and jemalloc(3) say that this is for introspection and not to be
 * relied on, and with _FORTIFY_SOURCE=3 a program that writes there is ended, as the compiler has
 * seen the size that was asked for (systemd's issue 22801). So either realloc follows, or the
 * allocator is asked beforehand.
 *
 * Which functions there are is not known before the program is loaded: they are weak references,
 * which the dynamic linker resolves in the order in which it looks for malloc, and no allocator is
 * linked. dlsym would find the same, but takes memory for its message where it finds nothing, on
 * the heap that is to be measured, and there would have to be a place to keep what it found. They
 * are taken to be those of the allocator that supplies malloc: so only names that replace malloc's
 * come with are looked for, and none with a prefix, as je_nallocx, which is there where jemalloc is
 * beside another malloc.
 */
#ifndef GROWBENCH_KERNELS_ALLOCATOR_H
#define GROWBENCH_KERNELS_ALLOCATOR_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The bytes of a block that is got by asking for `bytes` (>= 1): at least that many, all of which
 * may be asked for at no cost. By nallocx (jemalloc, TCMalloc), mi_good_size (mimalloc) or
 * malloc_good_size (macOS, and allocators that follow it). `bytes` where there is none of them, as
 * in glibc, tbbmalloc and Scudo, and where that many cannot be had.
 */
size_t allocator_good_size(size_t bytes);

/*
 * Makes the block one of `bytes` bytes (>= 1) where it stands; false, and the block is as before,
 * if that cannot be. By xallocx (jemalloc) or mi_expand (mimalloc, which only takes what the block
 * has anyway). Always false where there is neither.
 */
bool allocator_expand(void *block, size_t bytes);

/* The names of the functions that these call, or NULL if there are none. */
const char *allocator_good_size_function(void);
const char *allocator_expand_function(void);

#ifdef __cplusplus
}
#endif

#endif
