#include "stopwatch.h"

#include <stdio.h>
#include <time.h>

#include "check.h"
#include "wait.h"

double thread_cpu_ms(void)
{
    struct timespec used;

    CHECK_INT(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used), 0);
    return (double)used.tv_sec * 1e3 + (double)used.tv_nsec / 1e6;
}

static double starved_ms(void)
{
    FILE *file = fopen("/proc/thread-self/schedstat", "r");
    double ran = 0, waited = 0;

    if (!file)
        return 0;
    if (fscanf(file, "%lf %lf", &ran, &waited) != 2)
        waited = 0;
    fclose(file);
    return waited / 1e6;
}

stopwatch stopwatch_start(void)
{
    return (stopwatch){now_ms(), thread_cpu_ms(), starved_ms()};
}

double wall_ms_since(const stopwatch *since)
{
    return (double)(now_ms() - since->begin);
}

double cpu_ms_since(const stopwatch *since)
{
    return thread_cpu_ms() - since->cpu_ms;
}

double starved_ms_since(const stopwatch *since)
{
    return starved_ms() - since->starved_ms;
}
