#include "suite.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

enum { NAMES = 64, NAME_SIZE = 128 };

static char prefix[32];
static int version;

void suite_begin(const char *version_name, int protocol, int case_number)
{
    version = protocol;
    snprintf(prefix, sizeof prefix, "%s-%d-%d", version_name, case_number, (int)(getpid() % 100000));
}

int protocol(void)
{
    return version;
}

/* The same text each time.  It is not freed: a case is a process. */
static const char *name(char separator, const char *rest)
{
    static char names[NAMES][NAME_SIZE];
    static int used;
    char text[NAME_SIZE];
    int i, length = snprintf(text, sizeof text, "%s%c%s", prefix, separator, rest);

    CHECK(length < NAME_SIZE);
    for (i = 0; i < used; i++) {
        if (strcmp(names[i], text) == 0)
            return names[i];
    }
    CHECK(used < NAMES);
    return strcpy(names[used++], text);
}

const char *client_id(const char *rest)
{
    const char *id = name('-', rest);

    CHECK(strlen(id) <= 23);
    return id;
}

const char *topic(const char *levels)
{
    return name('/', levels);
}
