/* The listeners of the broker that tls.sh starts, from its first port on. */
#ifndef TLS_LISTENERS_H
#define TLS_LISTENERS_H

enum {
    PLAIN,
    NAMED,          /* for broker.test */
    ADDRESSED,      /* for 127.0.0.1, as those below */
    WILDCARD,       /* for *.wild.test */
    EXPIRED,
    EARLY,
    ALONE,          /* self-signed */
    DEMANDING,      /* requires a client certificate of the authority */
    MODERN,         /* TLS 1.3 only */
    PSK
};

#endif
