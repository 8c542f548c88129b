#include "check.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client.h"

static char current_step[200] = "begin";

void check_failed(const char *file, int line, const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "%s:%d: FAILED: ", file, line);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\n  in step: %s\n", current_step);
    clients_print_errors();
    fflush(NULL);
    /* Not exit: other threads still run, and exit would free what they use. */
    _exit(1);
}

void check_int(const char *file, int line, const char *what, long long actual, long long expected)
{
    if (actual != expected)
        check_failed(file, line, "%s is %lld, not %lld", what, actual, expected);
}

void check_text(const char *file, int line, const char *what, const char *actual, const char *expected)
{
    if (!actual || strcmp(actual, expected) != 0)
        check_failed(file, line, "%s is \"%s\", not \"%s\"", what, actual ? actual : "(NULL)", expected);
}

void check_rc(const char *file, int line, const char *call, int actual, int expected)
{
    if (actual != expected)
        check_failed(file, line, "%s is %d (%s), not %d (%s)", call, actual, pmqtt_error_string(actual),
                     expected, pmqtt_error_string(expected));
}

void step(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(current_step, sizeof current_step, format, arguments);
    va_end(arguments);
    printf("-- %s\n", current_step);
    fflush(stdout);
}

static void say(const char *text)
{
    if (write(STDERR_FILENO, text, strlen(text)) < 0)
        _exit(2);
}

static void hangs(int signal)
{
    (void)signal;
    say("FAILED: it hangs in step: ");
    say(current_step);
    say("\n");
    _exit(1);
}

void watchdog(unsigned seconds)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = hangs;
    CHECK_INT(sigaction(SIGALRM, &action, NULL), 0);
    alarm(seconds);
}
