/* The last packets of each connection of a case, for the reader of a failure.  The parent of the case's
 * process prints them, so that a case which ends in any way leaves them. */
#ifndef TAPE_H
#define TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* The two ways of a connection. */
enum way { TO_BROKER, TO_CLIENT };

typedef struct tape tape;

/* Before the process of a case is forked: all tapes are empty. */
void tapes_clear(void);

tape *tape_new(const char *name);

/* `is_lost`: it was not passed on. */
void tape_add(tape *, enum way, const unsigned char *packet, size_t length, bool is_lost);
void tape_end_of_connection(tape *, enum way, bool is_lost);

/* One line for each packet, with its bytes in hexadecimal. */
void tapes_print(FILE *);

#endif
