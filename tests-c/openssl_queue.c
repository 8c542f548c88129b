#include "openssl_queue.h"

#include <openssl/err.h>

#include "check.h"

static const struct {
    int line, library, reason;
    /* A copy, unless it is static. */
    const char *data;
    int is_static;
} ERRORS[] = {
    {11, ERR_LIB_PEM, 108, NULL, 0},
    {22, ERR_LIB_SYS, 2, "calling fopen(nowhere)", 0},
    {33, ERR_LIB_USER, ERR_R_INTERNAL_ERROR, "no UTF-8: \xff\xfe", 0},
    {44, ERR_LIB_SSL, 1, "kept by whoever raised it", 1},
};

enum { COUNT = sizeof ERRORS / sizeof *ERRORS };

void queue_fill(void)
{
    int i;

    ERR_clear_error();
    for (i = 0; i < COUNT; i++) {
        ERR_new();
        ERR_set_debug("the program", ERRORS[i].line, i % 2 ? "a function" : NULL);
        if (ERRORS[i].data && !ERRORS[i].is_static) {
            ERR_set_error(ERRORS[i].library, ERRORS[i].reason, "%s", ERRORS[i].data);
        } else {
            ERR_set_error(ERRORS[i].library, ERRORS[i].reason, NULL);
            if (ERRORS[i].data)
                ERR_set_error_data((char *)ERRORS[i].data, ERR_TXT_STRING);
        }
    }
}

/* Takes the errors out, and puts them back. */
void queue_check(void)
{
    const char *file, *function, *data;
    unsigned long code;
    int i, line, flags;

    for (i = 0; i < COUNT; i++) {
        code = ERR_get_error_all(&file, &line, &function, &data, &flags);
        CHECK_INT(line, ERRORS[i].line);
        CHECK_INT(ERR_GET_LIB(code), ERRORS[i].library);
        CHECK_INT(ERR_GET_REASON(code), ERRORS[i].reason);
        CHECK_TEXT(file, "the program");
        CHECK_TEXT(function, i % 2 ? "a function" : "");
        CHECK_TEXT(data, ERRORS[i].data ? ERRORS[i].data : "");
        if (ERRORS[i].is_static)
            CHECK(data == ERRORS[i].data);
        CHECK_INT(flags & ERR_TXT_STRING, ERRORS[i].data ? ERR_TXT_STRING : 0);
    }
    code = ERR_get_error_all(&file, &line, &function, &data, &flags);
    if (code != 0)
        check_failed(__FILE__, __LINE__, "an error that is none of ours: %s:%d: %s", file, line,
                     ERR_error_string(code, NULL));
    queue_fill();
}
