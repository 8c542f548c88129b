/* Which functions there are, and by which numbers they fail, so that no test forgets one. */
#ifndef FUNCTIONS_H
#define FUNCTIONS_H

/* Reads the header, and the source of the test: __FILE__. */
void check_that_all_are_called(const char *path);

/* A call, as text, has failed with the number of that name. */
void error_seen(const char *call, const char *number);

/* Each number that the header names as a result of a function was seen with it. */
void check_that_all_errors_are_seen(void);

#endif
