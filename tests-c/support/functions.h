/* Which functions there are, so that no table of calls forgets one. */
#ifndef FUNCTIONS_H
#define FUNCTIONS_H

/* Reads the header, and the source of the test: __FILE__. */
void check_that_all_are_called(const char *path);

#endif
