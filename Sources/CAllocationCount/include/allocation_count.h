#ifndef ALLOCATION_COUNT_H
#define ALLOCATION_COUNT_H

#include <stdint.h>

/// Counts the allocations of this process from now on, from 0.
void allocation_count_begin(void);

/// Counts no more, and answers how many there were; -1 where that cannot be counted: where the C library is not GNU's,
/// and under sanitizers, which have their own allocator.
int64_t allocation_count_end(void);

#endif
