#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include "raw_client.h"

static atomic_int is_wanted;
static atomic_int is_counting;
static _Atomic int64_t allocations;

void raw_want_allocations(void) { atomic_store(&is_wanted, 1); }

void raw_begin_allocations(void) { atomic_store(&is_counting, atomic_load(&is_wanted)); }

void raw_end_allocations(void) { atomic_store(&is_counting, 0); }

int64_t raw_allocations(void) { return atomic_load(&allocations); }

#ifdef __GLIBC__
// What the program defines, the libraries use as well. The C library keeps its own under these names.
// (As `CAllocationCount` of the library's package does, which is not a product.)
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static void count(void) {
    if (atomic_load_explicit(&is_counting, memory_order_relaxed))
        atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
}

void *malloc(size_t size) {
    count();
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
    count();
    return __libc_calloc(number, size);
}

void *realloc(void *memory, size_t size) {
    count();
    return __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    count();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
    count();
    *memory = __libc_memalign(alignment, size);
    return *memory ? 0 : 12;  // ENOMEM
}
#endif
