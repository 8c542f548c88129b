/* The listeners of the broker that tls.sh starts, from its first port on. */
#ifndef TLS_LISTENERS_H
#define TLS_LISTENERS_H

enum {
    PLAIN,
    NAMED,          /* for broker.test */
    ADDRESSED,      /* for 127.0.0.1, as the following ones */
    WILDCARD,       /* for *.wild.test */
    EXPIRED,
    EARLY,
    ALONE,          /* signed by itself */
    DEMANDING,      /* of clients a certificate of the authority */
    MODERN,         /* TLS 1.3 only */
    PSK
};

#endif
