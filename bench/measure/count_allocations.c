/* Counts the heap allocations of the program that it is preloaded into. When the program ends, it
 * writes the number to the file that ALLOCATIONS names. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static unsigned long count;

static void add(void)
{
    __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED);
}

void *malloc(size_t size)
{
    add();
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
    add();
    return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size)
{
    add();
    return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    add();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    *out = aligned_alloc(alignment, size);
    return *out ? 0 : 12;
}

__attribute__((destructor)) static void report(void)
{
    unsigned long total = count;
    const char *name = getenv("ALLOCATIONS");
    FILE *file = name ? fopen(name, "w") : NULL;

    if (file) {
        fprintf(file, "%lu\n", total);
        fclose(file);
    }
}
