/* Assertions of tests, in every kind of build.  One that fails ends the program, and prints the
 * place, the values and the last error of each client. */
#ifndef CHECK_H
#define CHECK_H

#include <pmqtt.h>

#define CHECK(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))

#define CHECK_INT(actual, expected) \
    check_int(__FILE__, __LINE__, #actual, (long long)(actual), (long long)(expected))

#define CHECK_TEXT(actual, expected) check_text(__FILE__, __LINE__, #actual, (actual), (expected))

/* A call that has to return this PMQTT_ERR_ number. */
#define CHECK_RC(call, expected) check_rc(__FILE__, __LINE__, #call, (call), (expected))

#define CHECK_OK(call) CHECK_RC(call, PMQTT_ERR_SUCCESS)

void check_failed(const char *file, int line, const char *format, ...)
    __attribute__((noreturn, format(printf, 3, 4)));
void check_int(const char *file, int line, const char *what, long long actual, long long expected);
void check_text(const char *file, int line, const char *what, const char *actual, const char *expected);
void check_rc(const char *file, int line, const char *call, int actual, int expected);

/* Says what the program does next, for the reader of a failure or a hang. */
void step(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A program that still runs after this many seconds hangs, and fails. */
void watchdog(unsigned seconds);

#endif
