/* The functions of the header and their error numbers, so that no test omits one. */
#ifndef FUNCTIONS_H
#define FUNCTIONS_H

/* Reads the header and the source of the test, which is __FILE__. */
void check_that_all_are_called(const char *path);

/* Records that a call, as text, has failed with the number of that name. */
void error_seen(const char *call, const char *number);

/* Checks that each function was seen with each error number that the header names for it. */
void check_that_all_errors_are_seen(void);

#endif
