#include "allocation_count.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

static atomic_int is_counting;
static _Atomic int64_t allocations;

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_FOREIGN_ALLOCATOR
#endif
#endif

void allocation_count_begin(void) {
    atomic_store(&allocations, 0);
    atomic_store(&is_counting, 1);
}

#if defined(__GLIBC__) && !defined(HAS_FOREIGN_ALLOCATOR)
int64_t allocation_count_end(void) {
    atomic_store(&is_counting, 0);
    return atomic_load(&allocations);
}

// What the program defines, the libraries use as well. The C library keeps its own under these names.
// (`Benchmarks` counts in the same way: as a package of its own it gets nothing of this one that is not a product.)
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
    return *memory ? 0 : ENOMEM;
}
#else
int64_t allocation_count_end(void) {
    atomic_store(&is_counting, 0);
    return -1;
}
#endif
