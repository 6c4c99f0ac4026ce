#include "harness/record/stacks.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <unwind.h>

#include "harness/record/recording.h"
#include "harness/trace/lock.h"
#include "harness/trace/raw.h"

enum {
	/* What tells call sites apart; each further frame costs as much again. */
	MOST_FRAMES = 16,
	/* Three quarters of them are used at most. */
	SLOT_COUNT = 1 << 17,
	MODULE_COUNT = 1024
};

struct stack {
	uint64_t hash; /* 0: none */
	uint32_t number;
	uint32_t count;
	uintptr_t callers[MOST_FRAMES];
};

struct module {
	uintptr_t base;
	const char *path;
};

/* In memory that is empty in a child of fork. */
struct table {
	struct lock lock;
	uint32_t stack_count;
	uint32_t module_count;
	struct module modules[MODULE_COUNT];
	struct stack slots[SLOT_COUNT];
};

static _Atomic(struct table *) table;

/* ---- which stack ---- */

/* This library, whose own frames are left out: a symbol of the linker's. */
extern const ElfW(Ehdr) own_header __asm__("__ehdr_start") __attribute__((visibility("hidden")));

static bool is_own(uintptr_t address)
{
	const uintptr_t start = (uintptr_t)&own_header;
	const ElfW(Phdr) *headers = (const void *)(start + own_header.e_phoff);

	for (int i = 0; i < own_header.e_phnum; i++)
		if (headers[i].p_type == PT_LOAD && (headers[i].p_flags & PF_X) != 0 &&
		    address - start - headers[i].p_vaddr < headers[i].p_memsz)
			return true;
	return false;
}

static _Unwind_Reason_Code add_frame(struct _Unwind_Context *context, void *data)
{
	const uintptr_t caller = (uintptr_t)_Unwind_GetIP(context);
	struct stack *stack = data;

	if (caller == 0)
		return _URC_END_OF_STACK;
	if (is_own(caller))
		return _URC_NO_REASON;
	stack->callers[stack->count++] = caller;
	return stack->count == MOST_FRAMES ? _URC_END_OF_STACK : _URC_NO_REASON;
}

static void unwind(struct stack *stack)
{
	stack->count = 0;
	(void)_Unwind_Backtrace(add_frame, stack);
	stack->hash = 1;
	for (uint32_t i = 0; i < stack->count; i++)
		stack->hash = (stack->hash ^ stack->callers[i]) * UINT64_C(0x9e3779b97f4a7c15) | 1;
}

/* ---- frames ---- */

/* A frame as it is written. */
struct place {
	uintptr_t base;
	uint64_t offset;
	const char *path;
};

/* What addr2line takes. Code that lies in no file has no place. */
static struct place place_of(uintptr_t caller)
{
	struct place place = {0, 0, ""};
	struct link_map *map = NULL;
	Dl_info info;

	if (dladdr1((const void *)caller, &info, (void **)&map, RTLD_DL_LINKMAP) == 0 ||
	    map == NULL)
		return place;
	place.base = (uintptr_t)info.dli_fbase;
	place.offset = caller - map->l_addr;
	place.path = info.dli_fname;
	return place;
}

/* The program is known to the linker by the name that it was called by. */
static void write_path(struct recording *recorded, const char *path)
{
	char own[PATH_MAX];
	long length = 0;

	if (*path != '\0' && *path != '/')
		length = raw_system_call(SYS_readlinkat, AT_FDCWD, (long)"/proc/self/exe",
					 (long)own, sizeof own - 1, 0, 0);
	if (length > 0 && !raw_failed(length)) {
		own[length] = '\0';
		path = own;
	}
	(void)recording_append(recorded, RAW_MODULES_SUFFIX, path, strlen(path) + 1);
}

/* The number of the module, which is written if it is new; the last one stands for all others. */
static uint32_t module_of(struct recording *recorded, struct table *of, const struct place *place)
{
	for (uint32_t i = 0; i < of->module_count; i++)
		if (of->modules[i].base == place->base && of->modules[i].path == place->path)
			return i;
	if (of->module_count == MODULE_COUNT)
		return MODULE_COUNT - 1;
	of->modules[of->module_count] = (struct module){place->base, place->path};
	write_path(recorded, of->module_count == MODULE_COUNT - 1 ? "" : place->path);
	return of->module_count++;
}

static void write_frames(struct recording *recorded, struct table *of, const struct stack *stack,
			 const struct place *places)
{
	const uint64_t first = recording_claim(recorded, stack->count);

	for (uint32_t i = 0; i < stack->count; i++) {
		const uint32_t module = module_of(recorded, of, &places[i]);
		const uint64_t offset = module == MODULE_COUNT - 1 ? 0 : places[i].offset;

		recording_put(recorded, first + i,
			      raw_first(RAW_FRAME, module, (uint64_t)stack->number << 3),
			      raw_second(module, offset, 0));
	}
}

/* ---- the table ---- */

static struct table *make_table(void)
{
	struct table *of = atomic_load(&table);
	struct table *none = NULL;
	struct table *made;

	if (of != NULL)
		return of;
	made = recording_map(sizeof *made);
	if (made == NULL || atomic_compare_exchange_strong(&table, &none, made))
		return made;
	raw_unmap(made, sizeof *made);
	return none;
}

/* The stack's slot, or the one where it would go. */
static struct stack *find(struct table *of, const struct stack *stack)
{
	size_t slot = (size_t)(stack->hash >> 40) % SLOT_COUNT;

	while (of->slots[slot].hash != 0 &&
	       (of->slots[slot].hash != stack->hash || of->slots[slot].count != stack->count ||
		memcmp(of->slots[slot].callers, stack->callers,
		       stack->count * sizeof *stack->callers) != 0))
		slot = (slot + 1) % SLOT_COUNT;
	return &of->slots[slot];
}

static uint32_t find_number(struct table *of, const struct stack *stack)
{
	const struct stack *found;
	uint32_t number;

	lock_take(&of->lock);
	found = find(of, stack);
	number = found->hash == 0 ? STACKS_NONE : found->number;
	lock_release(&of->lock);
	return number;
}

/* Unless another thread has just added it. Its places were looked for without the lock: the dynamic
 * linker has locks of its own, and allocates while it holds them. */
static uint32_t add(struct recording *recorded, struct table *of, struct stack *stack,
		    const struct place *places)
{
	uint32_t number = STACKS_NONE;
	struct stack *slot;

	lock_take(&of->lock);
	slot = find(of, stack);
	if (slot->hash != 0) {
		number = slot->number;
	} else if (of->stack_count < SLOT_COUNT / 4 * 3) {
		number = of->stack_count++;
		stack->number = number;
		*slot = *stack;
		write_frames(recorded, of, stack, places);
	}
	lock_release(&of->lock);
	return number;
}

uint32_t stacks_here(struct recording *recorded)
{
	struct table *of = make_table();
	struct place places[MOST_FRAMES];
	struct stack stack;
	uint32_t number;

	if (of == NULL)
		return STACKS_NONE;
	unwind(&stack);
	if (stack.count == 0)
		return STACKS_NONE;
	number = find_number(of, &stack);
	if (number != STACKS_NONE)
		return number;
	for (uint32_t i = 0; i < stack.count; i++)
		places[i] = place_of(stack.callers[i]);
	return add(recorded, of, &stack, places);
}

void stacks_forget(void)
{
	atomic_store(&table, NULL);
}
