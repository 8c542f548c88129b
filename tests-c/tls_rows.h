/* Requirements of TLS, one connection for each row: a message goes to the broker and back, or the
 * number and text of the error say why not.  Each row is played with a broker, and with openssl
 * s_server in front of a broker. */
#ifndef TLS_ROWS_H
#define TLS_ROWS_H

#include <stddef.h>

#include <pmqtt.h>

#include "tls_listeners.h"

/* What only s_server offers: see the options of each. */
enum {
    CHOOSING = PSK + 1, /* x-amzn-mqtt-ca, by ALPN */
    DATED,              /* TLS 1.2 only */
    ANCIENT             /* TLS 1.0 only */
};

typedef struct row {
    const char *name;
    int listener;
    /* Instead of 127.0.0.1. */
    const char *server_name;
    const char *ca, *cert, *key, *password;
    int reqs, version;
    const char *ciphers;
    /* NULL: set_files. */
    int (*set)(pmqtt_client *, const struct row *);
    int rc;
    /* NULL if rc is 0: the text is not checked. */
    const char *error;
} row;

#define AUTHORITY .ca = "authority.pem", .reqs = PMQTT_CERT_REQUIRED

int set_files(pmqtt_client *, const row *);

/* The main function of a program that has rows. */
int play_rows(int argc, char **argv, const row rows[], size_t count);

#endif
