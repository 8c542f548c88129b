/* Waits for a condition, with a bound that only a hang reaches. */
#ifndef WAIT_H
#define WAIT_H

#include "check.h"

enum { PATIENCE_MS = 60000 };

/* Does `something` until the condition holds. */
#define DO_UNTIL(condition, something)                                       \
    do {                                                                     \
        long long wait_end = now_ms() + PATIENCE_MS;                         \
        while (!(condition)) {                                               \
            if (now_ms() > wait_end)                                         \
                check_failed(__FILE__, __LINE__, "never: %s", #condition);   \
            something;                                                       \
        }                                                                    \
    } while (0)

/* For what another thread or program does. */
#define WAIT_UNTIL(condition) DO_UNTIL(condition, sleep_ms(1))

/* Milliseconds of the monotonic clock. */
long long now_ms(void);

void sleep_ms(int time);

#endif
