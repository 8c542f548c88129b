/* System calls of the library that fail as a test wants it.  Those of the test itself never do. */
#ifndef FAILING_H
#define FAILING_H

#include <stdbool.h>

/* In place of an errno: the call does one byte of what it was asked for. */
#define ONE_BYTE (-1)

/* From now on, the call of that name fails when it is made for the k-th time (from 1); after that it
 * goes on to fail, or not.  A connect or pthread_create does so as the manual says: EINTR leaves the
 * attempt under way, and an error number is the result. */
void fail(const char *call, int error, int k, bool goes_on);

/* Whether the k-th call has been made. */
bool has_failed(void);

/* Nothing fails any more. */
void fail_no_more(void);

#endif
