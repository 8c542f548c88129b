#include "functions.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "check.h"

enum { NAME = 64, SEEN = 500 };

/* A function, and a number that it has returned. */
static struct seen {
    char function[NAME], number[NAME];
} all_seen[SEEN];
static int seen_count;

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

/* The name before the parenthesis of a declaration; NULL if the line is not one. */
static const char *declared(const char *line)
{
    const char *end = line + strcspn(line, "(\n");

    if (!isalpha((unsigned char)line[0]) || *end != '(' || strncmp(line, "typedef", 7) == 0)
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

static size_t name_length(const char *text)
{
    size_t length = 0;

    while (isalnum((unsigned char)text[length]) || text[length] == '_')
        length++;
    return length;
}

static void copy_name(char *into, const char *text)
{
    size_t length = name_length(text);

    CHECK(length < NAME);
    memcpy(into, text, length);
    into[length] = '\0';
}

static bool is_seen(const char *function, const char *number)
{
    int i;

    for (i = 0; i < seen_count; i++)
        if (strcmp(all_seen[i].function, function) == 0 && strcmp(all_seen[i].number, number) == 0)
            return true;
    return false;
}

void error_seen(const char *call, const char *number)
{
    CHECK(seen_count < SEEN);
    copy_name(all_seen[seen_count].function, call);
    copy_name(all_seen[seen_count].number, number);
    seen_count++;
}

/* The comment above a function's declaration, from its description of the result on. */
static const char *find_result(const char *header, const char *function)
{
    const char *at = header, *end, *result = NULL, *next;
    char declaration[NAME + 1];

    snprintf(declaration, sizeof declaration, "%s(", function);
    do
        at = strstr(at + 1, declaration);
    while (at && at[-1] != ' ' && at[-1] != '*');
    CHECK(at != NULL);
    for (end = at; strncmp(end, "/**", 3) != 0; end--)
        ;
    for (next = strstr(end, "@return"); next && next < at; next = strstr(next + 1, "@return"))
        result = next + strlen("@return ");
    return result;
}

/* Whether an error needs a library that was built without TLS, which this one was not. */
static bool is_without_tls(const char *explanation)
{
    static const char WITHOUT_TLS[] = "built without TLS";

    explanation += strspn(explanation, "`: *\n");
    return strncmp(explanation, WITHOUT_TLS, strlen(WITHOUT_TLS)) == 0;
}

/* A function may refer to the errors of another one: "As `pmqtt_connect`". */
static void check_results(const char *header, const char *function, const char *result)
{
    static const char AS[] = "As `";
    const char *end = strstr(result, "*/"), *number = result;
    char name[NAME];

    if (strncmp(result, AS, strlen(AS)) == 0) {
        copy_name(name, result + strlen(AS));
        check_results(header, function, find_result(header, name));
    }
    while ((number = strstr(number, "PMQTT_ERR_")) != NULL && number < end) {
        copy_name(name, number);
        number += strlen(name);
        if (strcmp(name, "PMQTT_ERR_SUCCESS") == 0 || is_without_tls(number))
            continue;
        if (!is_seen(function, name))
            check_failed(__FILE__, __LINE__, "%s never returned %s", function, name);
    }
}

void check_that_all_errors_are_seen(void)
{
    static char header[200000];
    const char *line;
    char function[NAME];

    step("each function has failed by each number that the header names");
    read_text(PMQTT_HEADER, header, sizeof header);
    for (line = header; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        const char *name = declared(line);
        const char *result;

        if (!name)
            continue;
        copy_name(function, name);
        result = find_result(header, function);
        if (result)
            check_results(header, function, result);
    }
}
