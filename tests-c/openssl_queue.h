/* The program's own errors in OpenSSL's queue of the calling thread. */
#ifndef OPENSSL_QUEUE_H
#define OPENSSL_QUEUE_H

/* Empties the queue, and leaves some errors of each kind in it. */
void queue_fill(void);

/* They are all there, in their order and to the letter, and no other. */
void queue_check(void);

#endif
