/* A number that the callbacks of one thread change, and that a test waits for in another. */
#ifndef TALLY_H
#define TALLY_H

typedef struct tally {
    int value;
} tally;

static inline int tally_get(const tally *number)
{
    return __atomic_load_n(&number->value, __ATOMIC_SEQ_CST);
}

static inline void tally_set(tally *number, int value)
{
    __atomic_store_n(&number->value, value, __ATOMIC_SEQ_CST);
}

/* Returns the new number. */
static inline int tally_add(tally *number)
{
    return __atomic_add_fetch(&number->value, 1, __ATOMIC_SEQ_CST);
}

#endif
