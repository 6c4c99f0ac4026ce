#include "harness/trace/system_call.h"

#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/trace/account.h"
#include "harness/trace/mappings.h"
#include "harness/trace/raw.h"

static uint64_t whole_pages(unsigned long bytes)
{
	static atomic_ulong page_bytes;
	unsigned long page = atomic_load_explicit(&page_bytes, memory_order_relaxed);

	if (page == 0) {
		page = (unsigned long)sysconf(_SC_PAGESIZE);
		atomic_store_explicit(&page_bytes, page, memory_order_relaxed);
	}
	return (bytes + page - 1) & ~(page - 1);
}

static void note_mmap(const struct system_call *call, struct trace_system_calls *calls)
{
	const uint64_t bytes = whole_pages((unsigned long)call->arguments[1]);
	const uintptr_t start = (uintptr_t)call->result;

	calls->mmap_count++;
	calls->mapped_bytes += bytes;
	if (account.depth == 0 && (call->arguments[3] & MAP_ANONYMOUS) != 0)
		mappings_mapped(start, start + bytes, (call->arguments[2] & PROT_WRITE) != 0);
}

static void note_munmap(const struct system_call *call, struct trace_system_calls *calls)
{
	const uint64_t bytes = whole_pages((unsigned long)call->arguments[1]);
	const uintptr_t start = (uintptr_t)call->arguments[0];

	calls->munmap_count++;
	calls->unmapped_bytes += bytes;
	if (account.depth == 0)
		mappings_unmapped(start, start + bytes);
}

static void note_mremap(const struct system_call *call, struct trace_system_calls *calls)
{
	const uintptr_t old_start = (uintptr_t)call->arguments[0];
	const uintptr_t start = (uintptr_t)call->result;
	const uint64_t old_bytes = whole_pages((unsigned long)call->arguments[1]);
	const uint64_t bytes = whole_pages((unsigned long)call->arguments[2]);

	calls->mremap_count++;
	if (bytes > old_bytes)
		calls->mapped_bytes += bytes - old_bytes;
	else
		calls->unmapped_bytes += old_bytes - bytes;
	account.remapped_start = start;
	account.remapped_end = start + bytes;
	if (account.depth == 0)
		mappings_remapped(old_start, old_start + old_bytes, start, start + bytes);
}

static void note_brk(const struct system_call *call, struct trace_system_calls *calls)
{
	/* It does not fail: it says where the break is. */
	if (call->arguments[0] != 0 && call->result != call->arguments[0])
		return;
	calls->brk_count++;
	if (call->result > call->break_before)
		calls->mapped_bytes += whole_pages((unsigned long)call->result) -
				       whole_pages((unsigned long)call->break_before);
	else
		calls->unmapped_bytes += whole_pages((unsigned long)call->break_before) -
					 whole_pages((unsigned long)call->result);
}

static void note_madvise(const struct system_call *call, struct trace_system_calls *calls)
{
	calls->madvise_count++;
	if (call->arguments[2] == MADV_DONTNEED || call->arguments[2] == MADV_FREE)
		calls->unmapped_bytes += whole_pages((unsigned long)call->arguments[1]);
}

static void note_mprotect(const struct system_call *call, struct trace_system_calls *calls)
{
	const uintptr_t start = (uintptr_t)call->arguments[0];

	calls->mprotect_count++;
	if (account.depth == 0)
		mappings_protected(start, start + whole_pages((unsigned long)call->arguments[1]),
				   (call->arguments[2] & PROT_WRITE) != 0);
}

void system_call_note(const struct system_call *call)
{
	struct trace_system_calls *calls =
		account.depth > 0 ? &account.counts.allocator : &account.counts.program;

	if (raw_failed(call->result))
		return;
	switch (call->number) {
	case SYS_mmap:
		note_mmap(call, calls);
		break;
	case SYS_munmap:
		note_munmap(call, calls);
		break;
	case SYS_mremap:
		note_mremap(call, calls);
		break;
	case SYS_brk:
		note_brk(call, calls);
		break;
	case SYS_madvise:
		note_madvise(call, calls);
		break;
	case SYS_mprotect:
	case SYS_pkey_mprotect:
		note_mprotect(call, calls);
		break;
	default:
		break;
	}
}
