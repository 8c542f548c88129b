#include "cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

/* The steps of a case are printed only if it fails. */
static void begin(void (*play)(int), int number)
{
    pid_t pid;

    fflush(NULL);
    pid = fork();
    CHECK(pid >= 0);
    if (pid > 0)
        return;
    watchdog(CASE_S);
    CHECK(freopen("/dev/null", "w", stdout) != NULL);
    play(number);
    exit(0);
}

/* Returns 1 for a case that has failed. */
static int end(void)
{
    int status;

    CHECK(wait(&status) > 0);
    if (WIFSIGNALED(status))
        fprintf(stderr, "FAILED: a case was ended by signal %d\n", WTERMSIG(status));
    return status != 0;
}

int cases_play(int count, int at_once, void (*play)(int number))
{
    int number, failed = 0, running = 0;

    for (number = 0; number < count; number++) {
        if (running == at_once)
            failed += end();
        else
            running++;
        begin(play, number);
    }
    for (; running > 0; running--)
        failed += end();
    return failed;
}
