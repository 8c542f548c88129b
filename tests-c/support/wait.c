#include "wait.h"

#include <time.h>

long long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

void sleep_ms(int time)
{
    struct timespec rest = {time / 1000, time % 1000 * 1000000L};

    nanosleep(&rest, NULL);
}
