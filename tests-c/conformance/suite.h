/* The cases of the conformance test, and what is the same for all: the broker and the version. */
#ifndef SUITE_H
#define SUITE_H

#include <stdbool.h>

typedef struct test_case {
    const char *name;
    void (*play)(void);
    /* The first PMQTT_PROTOCOL_ that has this behaviour; 0: all have it. */
    int since;
} test_case;

/* Each file of cases has one list, which ends with an entry without a name. */
extern const test_case SESSION_CASES[];
extern const test_case MESSAGE_CASES[];
extern const test_case RETAIN_CASES[];
extern const test_case WILL_CASES[];
extern const test_case SUBSCRIPTION_CASES[];
extern const test_case IN_FLIGHT_CASES[];
extern const test_case PROPERTY_CASES[];
extern const test_case EXPIRY_CASES[];
extern const test_case ALIAS_CASES[];
extern const test_case LIMIT_CASES[];
extern const test_case REASON_CASES[];
extern const test_case OPTION_CASES[];
extern const test_case SESSION_EXPIRY_CASES[];
extern const test_case RESUME_CASES[];

const char *suite_host(void);
int suite_port(void);
/* Of the broker that accepts less, see scripts/brokers. */
int suite_limited_port(void);

/* The PMQTT_PROTOCOL_ of this run. */
int protocol(void);

/* A client identifier or a topic of this case, version and process alone: brokers keep sessions and
 * retained messages.  The identifier has at most 23 bytes, all that a broker of MQTT 3.1 accepts.  The text is
 * valid until the case ends. */
const char *client_id(const char *name);
const char *topic(const char *levels);

/* The next case has begun. */
void suite_begin(const char *version, int protocol, int case_number);

#endif
