/* Makes system calls of the library fail.  Those of the test itself never do. */
#ifndef FAILING_H
#define FAILING_H

#include <stdbool.h>

/* Instead of an errno: the call transfers one byte only. */
#define ONE_BYTE (-1)

/* From now on, the call of this name fails when it is made for the k-th time (from 1); after that it
 * fails again if `goes_on` is set.  connect and pthread_create fail as the manual says: after EINTR
 * the attempt continues, and the error number is the result. */
void fail(const char *call, int error, int k, bool goes_on);

/* Whether the k-th call has been made. */
bool has_failed(void);

/* From now on, nothing fails. */
void fail_no_more(void);

#endif
