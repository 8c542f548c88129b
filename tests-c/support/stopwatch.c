#include "stopwatch.h"

#include <dirent.h>
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

static double starved_ms(const char *schedstat)
{
    FILE *file = fopen(schedstat, "r");
    double ran = 0, waited = 0;

    if (!file)
        return 0;
    if (fscanf(file, "%lf %lf", &ran, &waited) != 2)
        waited = 0;
    fclose(file);
    return waited / 1e6;
}

static double own_starved_ms(void) { return starved_ms("/proc/thread-self/schedstat"); }

static double all_starved_ms(void)
{
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *task;
    char name[64];
    double sum = 0;

    CHECK(tasks != NULL);
    while ((task = readdir(tasks)) != NULL) {
        snprintf(name, sizeof name, "/proc/self/task/%.20s/schedstat", task->d_name);
        if (task->d_name[0] != '.')
            sum += starved_ms(name);
    }
    closedir(tasks);
    return sum;
}

stopwatch stopwatch_start(void)
{
    return (stopwatch){now_ms(), thread_cpu_ms(), own_starved_ms(), all_starved_ms()};
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
    return own_starved_ms() - since->starved_ms;
}

double all_starved_ms_since(const stopwatch *since)
{
    return all_starved_ms() - since->all_starved_ms;
}
