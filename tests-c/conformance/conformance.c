/* Plays the conformance cases against one broker, in one version of MQTT:
 *   conformance HOST PORT LIMITED_PORT VERSION [CASE...]
 *   conformance versions
 * The second form lists the versions.  HOST is an IPv4 address, with the broker at PORT and the limited one
 * of scripts/brokers at LIMITED_PORT.  It prints a line for each case: "ok NAME", "- NAME" if the version has
 * no such behaviour, or "FAIL NAME: what was seen", followed by the last packets of each connection.  It
 * exits with 0 if no case has failed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "endpoint.h"
#include "suite.h"

static const struct version {
    const char *name;
    int protocol;
} VERSIONS[] = {
    {"3.1", PMQTT_PROTOCOL_V31},
    {"3.1.1", PMQTT_PROTOCOL_V311},
    {"5", PMQTT_PROTOCOL_V5},
};

static const test_case *const LISTS[] = {
    SESSION_CASES, MESSAGE_CASES, RETAIN_CASES, WILL_CASES, SUBSCRIPTION_CASES, IN_FLIGHT_CASES,
    PROPERTY_CASES, EXPIRY_CASES, ALIAS_CASES, LIMIT_CASES, REASON_CASES, OPTION_CASES, SESSION_EXPIRY_CASES,
    RESUME_CASES,
};

enum { CASE_S = 60, SEEN = 400 };

static const char *host;
static int port, limited_port;

const char *suite_host(void)
{
    return host;
}

int suite_port(void)
{
    return port;
}

int suite_limited_port(void)
{
    return limited_port;
}

static const struct version *find_version(const char *name)
{
    size_t i;

    for (i = 0; i < sizeof VERSIONS / sizeof *VERSIONS; i++) {
        if (strcmp(VERSIONS[i].name, name) == 0)
            return &VERSIONS[i];
    }
    return NULL;
}

/* In the process of the case.  What it has seen goes to standard error. */
static void play(const test_case *test, int errors)
{
    CHECK(dup2(errors, STDERR_FILENO) >= 0);
    CHECK(freopen("/dev/null", "w", stdout) != NULL);
    watchdog(CASE_S);
    test->play();
    endpoints_free();
    exit(0);
}

/* Makes one line of what the process wrote, without the place in the code and clients without an error. */
static void print_seen(const char *name, FILE *file)
{
    char line[SEEN];
    const char *text;

    rewind(file);
    printf("FAIL %s:", name);
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strstr(line, ": no error") != NULL)
            continue;
        text = strstr(line, "FAILED: ");
        text = text ? text + strlen("FAILED: ") : line + strspn(line, " ");
        printf(" %s;", text);
    }
    printf("\n");
}

/* Returns whether the case has passed. */
static bool run(const test_case *test)
{
    FILE *errors = tmpfile();
    int status;
    pid_t pid;

    CHECK(errors != NULL);
    tapes_clear();
    fflush(NULL);
    pid = fork();
    CHECK(pid >= 0);
    if (pid == 0)
        play(test, fileno(errors));
    CHECK(waitpid(pid, &status, 0) == pid);
    if (status == 0) {
        printf("ok %s\n", test->name);
    } else {
        print_seen(test->name, errors);
        tapes_print(stdout);
    }
    fclose(errors);
    fflush(stdout);
    return status == 0;
}

static bool is_named(const char *name, char *const names[])
{
    for (; *names != NULL; names++) {
        if (strcmp(*names, name) == 0)
            return true;
    }
    return false;
}

/* Returns how many have failed. */
static int run_all(const struct version *version, char *const names[])
{
    const test_case *test;
    int failed = 0, number = 0;
    size_t i;

    for (i = 0; i < sizeof LISTS / sizeof *LISTS; i++) {
        for (test = LISTS[i]; test->name != NULL; test++) {
            suite_begin(version->name, version->protocol, number++);
            if (*names != NULL && !is_named(test->name, names))
                continue;
            if (test->since > version->protocol)
                printf("- %s\n", test->name);
            else
                failed += !run(test);
        }
    }
    return failed;
}

static int list_versions(void)
{
    size_t i;

    for (i = 0; i < sizeof VERSIONS / sizeof *VERSIONS; i++)
        printf("%s\n", VERSIONS[i].name);
    return 0;
}

int main(int argc, char *argv[])
{
    const struct version *version = argc >= 5 ? find_version(argv[4]) : NULL;

    if (argc == 2 && strcmp(argv[1], "versions") == 0)
        return list_versions();
    if (version == NULL) {
        fprintf(stderr, "usage: conformance HOST PORT LIMITED_PORT VERSION [CASE...]\n");
        return 2;
    }
    host = argv[1];
    port = atoi(argv[2]);
    limited_port = atoi(argv[3]);
    return run_all(version, argv + 5) == 0 ? 0 : 1;
}
