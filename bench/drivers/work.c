#include "work.h"

#include <stdlib.h>
#include <string.h>

enum work_kind work_parse_kind(const char *name)
{
    static const char *const names[] = {"publish", "receive", "echo", "idle", "connect"};
    size_t len = strcspn(name, "/");
    int kind;

    for (kind = 0; kind < (int)(sizeof names / sizeof *names); kind++) {
        if (strlen(names[kind]) == len && memcmp(name, names[kind], len) == 0)
            return (enum work_kind)kind;
    }
    die("unknown work: %s", name);
}

enum work_form work_parse_form(const char *name)
{
    const char *form = name + strcspn(name, "/");

    if (strcmp(form, "/5") == 0)
        return FORM_5;
    if (strcmp(form, "/5+") == 0)
        return FORM_5_PROPERTIES;
    if (*form != '\0')
        die("unknown form of the work: %s", name);
    return FORM_311;
}

static uint32_t window_of(const struct work *work)
{
    uint32_t gathered = (uint32_t)(GATHERED_BYTES / work->size);

    if (work->qos > 0)
        return WINDOW_QOS_1_2;
    return gathered > GATHERED_MIN ? gathered : GATHERED_MIN;
}

struct work work_parse(int argc, char **argv)
{
    struct work work = {.clients = 1, .threads = 1};

    if (argc < 6 || argc > 9)
        die("usage: %s WORK QOS COUNT SIZE PORT [CLIENTS [THREADS [CA]]]", argv[0]);
    work.kind = work_parse_kind(argv[1]);
    work.form = work_parse_form(argv[1]);
    work.qos = atoi(argv[2]);
    work.count = (uint32_t)atol(argv[3]);
    work.size = (size_t)atol(argv[4]);
    work.port = atoi(argv[5]);
    if (argc > 6)
        work.clients = (uint32_t)atol(argv[6]);
    if (argc > 7)
        work.threads = (uint32_t)atol(argv[7]);
    if (argc > 8)
        work.ca = argv[8];
    if (work.size < PAYLOAD_MIN)
        die("a payload has at least %d bytes", (int)PAYLOAD_MIN);
    work.window = window_of(&work);
    return work;
}
