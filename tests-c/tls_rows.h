/* What TLS demands, a row a connection: a message goes round, or the number and the words of the
 * refusal say why not.  Each row is played with a broker, and with openssl s_server before a broker. */
#ifndef TLS_ROWS_H
#define TLS_ROWS_H

#include <stddef.h>

#include <pmqtt.h>

#include "tls_listeners.h"

/* What only s_server does: see the options of each. */
enum {
    CHOOSING = PSK + 1, /* x-amzn-mqtt-ca, by ALPN */
    DATED,              /* TLS 1.2 only */
    ANCIENT             /* TLS 1.0 only */
};

typedef struct row {
    const char *name;
    int listener;
    /* In place of 127.0.0.1. */
    const char *server_name;
    const char *ca, *cert, *key, *password;
    int reqs, version;
    const char *ciphers;
    /* NULL: set_files. */
    int (*set)(pmqtt_client *, const struct row *);
    int rc;
    /* NULL, where rc is 0: what is said does not matter. */
    const char *error;
} row;

#define AUTHORITY .ca = "authority.pem", .reqs = PMQTT_CERT_REQUIRED

int set_files(pmqtt_client *, const row *);

/* The main function of a program that has rows. */
int play_rows(int argc, char **argv, const row rows[], size_t count);

#endif
