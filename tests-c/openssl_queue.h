/* The program's own errors in OpenSSL's queue of the calling thread. */
#ifndef OPENSSL_QUEUE_H
#define OPENSSL_QUEUE_H

/* Empties the queue, and leaves some errors of each kind in it. */
void queue_fill(void);

/* Checks that exactly these errors are there, unchanged and in their order. */
void queue_check(void);

#endif
