#include "functions.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "check.h"

static void read_text(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "r");
    size_t length;

    CHECK(file != NULL);
    length = fread(text, 1, size - 1, file);
    CHECK(length < size - 1);
    text[length] = '\0';
    fclose(file);
}

/* The name before the parenthesis of a declaration; NULL where a line is none. */
static const char *declared(const char *line)
{
    const char *end = strchr(line, '(');

    if (!isalpha((unsigned char)line[0]) || !end || strncmp(line, "typedef", 7) == 0)
        return NULL;
    while (isalnum((unsigned char)end[-1]) || end[-1] == '_')
        end--;
    return end;
}

void check_that_all_are_called(const char *path)
{
    static char header[200000], test[100000];
    char *line;
    int functions = 0;

    step("each function of the header is called here");
    read_text(PMQTT_HEADER, header, sizeof header);
    read_text(path, test, sizeof test);
    for (line = strtok(header, "\n"); line; line = strtok(NULL, "\n")) {
        const char *name = declared(line);
        char call[100];

        if (!name)
            continue;
        snprintf(call, sizeof call, "%.*s(", (int)strcspn(name, "("), name);
        if (!strstr(test, call))
            check_failed(__FILE__, __LINE__, "%s is not called", call);
        functions++;
    }
    CHECK(functions > 50);
}
