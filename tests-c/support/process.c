#include "process.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "check.h"

int threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    const struct dirent *entry;
    int number = 0;

    CHECK(tasks != NULL);
    while ((entry = readdir(tasks)) != NULL)
        number += entry->d_name[0] != '.';
    closedir(tasks);
    return number;
}

long resident_kib(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long all, resident;

    CHECK(file != NULL);
    CHECK_INT(fscanf(file, "%ld %ld", &all, &resident), 2);
    fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}
