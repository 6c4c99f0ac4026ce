/*
 * The interposed operators new and delete of C++, by their mangled names.
 *
 * Allocators bring operators of their own, which do not pass by malloc. Those of the C++ library
 * call malloc, which is then not counted again. The functions behind are looked up when they are
 * first used: a C program has none. An exception may pass through (this file is compiled with
 * -fexceptions): what has to be undone is in cleanup attributes.
 */
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "harness/trace/bootstrap.h"
#include "harness/trace/calls.h"
#include "harness/trace/raw.h"
#include "harness/trace/real.h"

#include OBSERVER

#if __SIZEOF_SIZE_T__ == 8
#define SIZE "m"
#else
#define SIZE "j"
#endif
#define NOTHROW "RKSt9nothrow_t"
#define ALIGNED "St11align_val_t"

/* The operator behind one of ours. */
struct next {
	const char *name;
	void *_Atomic address; /* NULL: not looked up yet, or not there */
};

static void *next_address(struct next *next)
{
	void *address = atomic_load_explicit(&next->address, memory_order_acquire);

	if (address != NULL)
		return address;
	address = dlsym(RTLD_NEXT, next->name);
	if (address == NULL) {
		/* A module that was loaded with dlopen may have brought the C++ library where
		 * RTLD_NEXT does not look. */
		void *library = dlopen("libstdc++.so.6", RTLD_NOLOAD | RTLD_LAZY | RTLD_LOCAL);

		address = library == NULL ? NULL : dlsym(library, next->name);
	}
	atomic_store_explicit(&next->address, address, memory_order_release);
	return address;
}

/* A function pointer out of dlsym's void *, without the cast that ISO C does not allow. */
#define NEXT(function, next)                                      \
	do {                                                      \
		void *address_ = next_address(&(next));           \
		memcpy(&(function), &address_, sizeof(function)); \
	} while (0)

struct call {
	bool told;
	bool thrown; /* it has been left without a result */
	enum observed_kind kind;
	size_t alignment;
};

static struct call call_begin(enum observed_kind kind, size_t alignment)
{
	return (struct call){
		.told = observe_enter(), .thrown = true, .kind = kind, .alignment = alignment};
}

static void call_end(struct call *call)
{
	if (call->thrown && call->told)
		observe_failed(call->kind);
	observe_leave();
}

static void *call_result(struct call *call, void *block, size_t bytes)
{
	call->thrown = false;
	if (call->told)
		observe_new(call->kind, block, bytes, call->alignment, true);
	return block;
}

#define CALL(variable, kind, alignment) \
	struct call variable __attribute__((cleanup(call_end))) = call_begin(kind, alignment)

/* For want of an operator behind ours. */
static void *plain_new(size_t bytes, size_t alignment, bool may_fail)
{
	void *block = alignment == 0 ? real.malloc(bytes) : real.aligned_alloc(alignment, bytes);

	if (block == NULL && !may_fail)
		raw_die("growbench: operator new failed, and there is no C++ library to "
			"throw bad_alloc");
	return block;
}

static void *new_plain(struct next *next, size_t bytes)
{
	void *(*function)(size_t);

	if (!real_ready())
		return bootstrap_allocate(bytes, 1);
	CALL(call, OBSERVED_MALLOC, 0);
	NEXT(function, *next);
	return call_result(&call, function == NULL ? plain_new(bytes, 0, false) : function(bytes),
			   bytes);
}

static void *new_nothrow(struct next *next, size_t bytes, const void *tag)
{
	void *(*function)(size_t, const void *);

	if (!real_ready())
		return bootstrap_allocate(bytes, 1);
	CALL(call, OBSERVED_MALLOC, 0);
	NEXT(function, *next);
	return call_result(
		&call, function == NULL ? plain_new(bytes, 0, true) : function(bytes, tag), bytes);
}

static void *new_aligned(struct next *next, size_t bytes, size_t alignment)
{
	void *(*function)(size_t, size_t);

	if (!real_ready())
		return bootstrap_allocate(bytes, alignment);
	CALL(call, OBSERVED_ALIGNED, alignment);
	NEXT(function, *next);
	return call_result(&call,
			   function == NULL ? plain_new(bytes, alignment, false)
					    : function(bytes, alignment),
			   bytes);
}

static void *new_aligned_nothrow(struct next *next, size_t bytes, size_t alignment, const void *tag)
{
	void *(*function)(size_t, size_t, const void *);

	if (!real_ready())
		return bootstrap_allocate(bytes, alignment);
	CALL(call, OBSERVED_ALIGNED, alignment);
	NEXT(function, *next);
	return call_result(&call,
			   function == NULL ? plain_new(bytes, alignment, true)
					    : function(bytes, alignment, tag),
			   bytes);
}

/* Is there something to delete? It was told of then, and observe_leave has to be called. */
static bool delete_begin(void *block)
{
	if (block == NULL || bootstrap_owns(block) || !real_ready())
		return false;
	observe_free(block, observe_enter());
	return true;
}

/* The whole of a delete: the operator behind, of that type, or free for want of one. */
// NOLINTBEGIN(bugprone-macro-parentheses): a type is no expression
#define DELETE(next, type, block, ...)         \
	do {                                   \
		void(*function) type;          \
                                               \
		if (!delete_begin(block))      \
			break;                 \
		NEXT(function, *(next));       \
		if (function != NULL)          \
			function(__VA_ARGS__); \
		else                           \
			real.free(block);      \
		observe_leave();               \
	} while (0)
// NOLINTEND(bugprone-macro-parentheses)

static void delete_plain(struct next *next, void *block)
{
	DELETE(next, (void *), block, block);
}

/* With one more argument: the size, or the alignment. */
static void delete_sized(struct next *next, void *block, size_t argument)
{
	DELETE(next, (void *, size_t), block, block, argument);
}

static void delete_nothrow(struct next *next, void *block, const void *tag)
{
	DELETE(next, (void *, const void *), block, block, tag);
}

static void delete_sized_aligned(struct next *next, void *block, size_t bytes, size_t alignment)
{
	DELETE(next, (void *, size_t, size_t), block, block, bytes, alignment);
}

static void delete_aligned_nothrow(struct next *next, void *block, size_t alignment,
				   const void *tag)
{
	DELETE(next, (void *, size_t, const void *), block, block, alignment, tag);
}

/* Each operator once for single objects and once for arrays. */
// NOLINTBEGIN(bugprone-macro-parentheses): parameters are no expression
#define OPERATOR(result, function, mangled, parameters, body) \
	EXPORTED result function parameters __asm__(mangled); \
	result function parameters                            \
	{                                                     \
		static struct next next = {.name = mangled};  \
		body;                                         \
	}

#define BOTH(result, function, object, array, parameters, body) \
	OPERATOR(result, function, object, parameters, body)    \
	OPERATOR(result, function##_array, array, parameters, body)

// NOLINTEND(bugprone-macro-parentheses)

BOTH(void *, operator_new, "_Znw" SIZE, "_Zna" SIZE, (size_t bytes), return new_plain(&next, bytes))
BOTH(void *, operator_new_nothrow, "_Znw" SIZE NOTHROW, "_Zna" SIZE NOTHROW,
     (size_t bytes, const void *tag), return new_nothrow(&next, bytes, tag))
BOTH(void *, operator_new_aligned, "_Znw" SIZE ALIGNED, "_Zna" SIZE ALIGNED,
     (size_t bytes, size_t alignment), return new_aligned(&next, bytes, alignment))
BOTH(void *, operator_new_aligned_nothrow, "_Znw" SIZE ALIGNED NOTHROW, "_Zna" SIZE ALIGNED NOTHROW,
     (size_t bytes, size_t alignment, const void *tag),
     return new_aligned_nothrow(&next, bytes, alignment, tag))

BOTH(void, operator_delete, "_ZdlPv", "_ZdaPv", (void *block), delete_plain(&next, block))
BOTH(void, operator_delete_nothrow, "_ZdlPv" NOTHROW, "_ZdaPv" NOTHROW,
     (void *block, const void *tag), delete_nothrow(&next, block, tag))
BOTH(void, operator_delete_sized, "_ZdlPv" SIZE, "_ZdaPv" SIZE, (void *block, size_t bytes),
     delete_sized(&next, block, bytes))
BOTH(void, operator_delete_aligned, "_ZdlPv" ALIGNED, "_ZdaPv" ALIGNED,
     (void *block, size_t alignment), delete_sized(&next, block, alignment))
BOTH(void, operator_delete_sized_aligned, "_ZdlPv" SIZE ALIGNED, "_ZdaPv" SIZE ALIGNED,
     (void *block, size_t bytes, size_t alignment),
     delete_sized_aligned(&next, block, bytes, alignment))
BOTH(void, operator_delete_aligned_nothrow, "_ZdlPv" ALIGNED NOTHROW, "_ZdaPv" ALIGNED NOTHROW,
     (void *block, size_t alignment, const void *tag),
     delete_aligned_nothrow(&next, block, alignment, tag))
