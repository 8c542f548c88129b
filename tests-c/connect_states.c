/* A connect while nothing answers: DNS, TCP or the broker.  Each function returns within the time
 * that it was given, in any thread, and no thread spins meanwhile. */
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "broker.h"
#include "cases.h"
#include "functions.h"
#include "loops.h"
#include "ports.h"
#include "record.h"
#include "stopwatch.h"

/* The waits that the tests ask for are arguments of the calls.  Beyond that, no call may take longer,
 * except for the time in which its thread waits for a processor.  Some calls read the system's
 * certificate store, whose time has no bound.  Two of them wait for each other, so only one runs at a time. */
enum { CONNECT_MS = 200, LOOP_MS = 50, STORE_MS = 500, STOP_MS = 1000, BEYOND_MS = 100 };

enum { CALLERS = 3, ROUNDS = 2, WATCHED_MS = 2000 };

/* Where to connect; nothing happens there. */
typedef struct state {
    const char *name;
    const char *host;
    int port;
    /* Whether the client has reached this state. */
    bool (*is_reached)(const pmqtt_client *);
} state;

static tally lookups;

/* A new name for each test. All who ask for the same name share a look-up, and these never end. */
static char silent_host[32];

static void name_silent_host(void)
{
    static int count;

    snprintf(silent_host, sizeof silent_host, "broker%d.example", ++count);
    tally_set(&lookups, 0);
}

/* The library finds this function instead of libc's. */
int getaddrinfo(const char *restrict host, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict out)
{
    (void)host;
    (void)service;
    (void)hints;
    (void)out;
    tally_add(&lookups);
    for (;;)
        pause();
}

/* A name server that is asked for a domain's hosts does not answer, either. */
int res_send(const unsigned char *question, int question_len, unsigned char *answer, int answer_len)
{
    (void)question;
    (void)question_len;
    (void)answer;
    (void)answer_len;
    for (;;)
        pause();
}

static bool looks_up(const pmqtt_client *client)
{
    (void)client;
    return tally_get(&lookups) > 0;
}

static bool has_socket(const pmqtt_client *client)
{
    return pmqtt_socket(client) >= 0;
}

static bool has_sent(const pmqtt_client *client)
{
    return client_stats(client).bytes_out > 0;
}

static int connect_anew(pmqtt_client *client, const state *where)
{
    return pmqtt_connect_async(client, where->host, where->port, 60, NULL);
}

static double cpu_ms(void)
{
    struct timespec used;

    CHECK_INT(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used), 0);
    return (double)used.tv_sec * 1e3 + (double)used.tv_nsec / 1e6;
}

static void run_for(loop *loop, int time_ms)
{
    const long long end = now_ms() + time_ms;
    long long left;

    for (left = time_ms; left > 0; left = end - now_ms()) {
        if (loop->kind == &THREAD_LOOP)
            sleep_ms((int)left);
        else
            loop->kind->turn(loop, (int)left);
    }
}

static void watch_cpu(const state *where, const loop_kind *kind)
{
    record seen = {0};
    pmqtt_client *client = recorded_client(NULL, &seen);
    loop loop;
    double used;

    step("%s, %s: CPU time", where->name, kind->name);
    name_silent_host();
    loop_begin(&loop, kind);
    loop_add(&loop, client);
    CHECK_OK(connect_anew(client, where));
    RUN_UNTIL(&loop, where->is_reached(client));
    used = cpu_ms();
    run_for(&loop, WATCHED_MS);
    used = cpu_ms() - used;
    if (used >= WATCHED_MS / 100)
        check_failed(__FILE__, __LINE__, "%.1f ms of CPU time in %d ms", used, WATCHED_MS);
    CHECK_INT(tally_get(&seen.connects) + tally_get(&seen.connect_fails), 0);
    loop_end(&loop);
    client_free(client);
}

static void ignore(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    (void)client;
    (void)userdata;
    (void)event;
}

static void create_and_free_another(const state *where)
{
    pmqtt_client *other = NULL;

    CHECK_OK(pmqtt_client_new(&other, NULL, true, NULL, 0));
    CHECK_OK(connect_anew(other, where));
    pmqtt_loop(other, 0);
    pmqtt_client_free(other);
}

/* All of them connect in the same way; their timeouts are for the whole call. */
static pmqtt_oneshot_options oneshot_options(const state *where)
{
    pmqtt_oneshot_options options = {.struct_size = sizeof options};

    options.hostname = where->host;
    options.port = where->port;
    options.timeout_ms = CONNECT_MS;
    return options;
}

static void subscribe_simple(const state *where)
{
    const char *filter = "a";
    const pmqtt_oneshot_options options = oneshot_options(where);
    pmqtt_messages *messages = NULL;

    CHECK(pmqtt_subscribe_simple(&filter, 1, 1, 1, false, &options, &messages) != 0);
    CHECK(pmqtt_messages_count(messages) == 0);
    CHECK(pmqtt_messages_get(messages, 0) == NULL);
    pmqtt_messages_free(messages);
}

static void subscribe_callback(const state *where)
{
    const char *filter = "a";
    const pmqtt_oneshot_options options = oneshot_options(where);

    CHECK(pmqtt_subscribe_callback(ignore, NULL, &filter, 1, 1, &options) != 0);
}

static void publish_single(const state *where)
{
    const pmqtt_oneshot_options options = oneshot_options(where);

    CHECK(pmqtt_publish_single("a", "1", 1, 1, false, &options) != 0);
}

static void publish_multiple(const state *where)
{
    const pmqtt_oneshot_options options = oneshot_options(where);
    const pmqtt_publication message = {.struct_size = sizeof message, .topic = "a", .qos = 1};

    CHECK(pmqtt_publish_multiple(&message, 1, &options) != 0);
}

static const char *const ALPN[] = {"mqtt"};
static const char *const FILTERS[] = {"a/1", "a/2"};
static const pmqtt_publication BATCH[] = {{.struct_size = sizeof *BATCH, .topic = "a", .qos = 0},
                                          {.struct_size = sizeof *BATCH, .topic = "a", .qos = 1}};
static const int QOS[] = {1, 2};

/* A handler of a filter, with a userdata of its own. */
#define HANDLER(name) \
    (&(pmqtt_message_handler){.struct_size = sizeof(pmqtt_message_handler), .filter = (name), .callback = ignore})

/* A subscription with a callback. */
static void ignore_response(pmqtt_client *client, void *userdata, const pmqtt_response *event)
{
    (void)client;
    (void)userdata;
    (void)event;
}

#define SUBSCRIPTION(name) \
    (&(pmqtt_subscription){.struct_size = sizeof(pmqtt_subscription), .filter = (name), .callback = ignore})

/* Each call, and the most that it was asked to wait. */
#define CALLS(call)                                                          \
    call(pmqtt_on_connect_set(client, NULL), 0)                              \
    call(pmqtt_on_connect_fail_set(client, NULL), 0)                         \
    call(pmqtt_on_disconnect_set(client, NULL), 0)                           \
    call(pmqtt_on_message_set(client, NULL), 0)                              \
    call(pmqtt_on_publish_set(client, NULL), 0)                              \
    call(pmqtt_on_subscribe_set(client, NULL), 0)                            \
    call(pmqtt_on_unsubscribe_set(client, NULL), 0)                          \
    call(pmqtt_on_writable_set(client, NULL), 0)                             \
    call(pmqtt_on_drained_set(client, NULL), 0)                              \
    call(pmqtt_on_log_set(client, NULL), 0)                                  \
    call(pmqtt_log_level_set(client, PMQTT_LOG_INFO), 0)                     \
    call(pmqtt_on_redirect_set(client, NULL), 0)                             \
    call(pmqtt_redirect_follow(client), 0)                                   \
    call(pmqtt_on_interest_set(client, NULL), 0)                             \
    call(pmqtt_message_handler_add(client, HANDLER("a")), 0)                 \
    call(pmqtt_message_callback_add(client, "a", ignore), 0)                 \
    call(pmqtt_message_callback_remove(client, "a"), 0)                      \
    call(pmqtt_connect_timeout_set(client, CONNECT_MS), 0)                   \
    call(pmqtt_connect(client, where->host, where->port, 60, NULL), CONNECT_MS) \
    call(pmqtt_reconnect(client), CONNECT_MS)                                \
    call(pmqtt_connect_async(client, where->host, where->port, 60, NULL), 0) \
    call(pmqtt_is_connected(client), 0)                                      \
    call(pmqtt_connect_options_set(client, NULL), 0)                         \
    call(pmqtt_negotiated_get(client, &(pmqtt_negotiated){.struct_size = sizeof(pmqtt_negotiated)}), 0) \
    call(pmqtt_negotiated_text(client, PMQTT_PROP_RESPONSE_INFORMATION, (char[8]){0}, 8), 0) \
    call(pmqtt_disconnect(client), 0)                                        \
    call(pmqtt_disconnect_with(client, 0, NULL), 0)                          \
    call(create_and_free_another(where), 0)                                  \
    call(pmqtt_reinitialise(client, NULL, true, NULL), 0)                    \
    call(pmqtt_connect_timeout_set(client, CONNECT_MS), 0)                   \
    call(pmqtt_client_id(client), 0)                                         \
    call(pmqtt_user_data_set(client, NULL), 0)                               \
    call(pmqtt_user_data(client), 0)                                         \
    call(pmqtt_loop(client, LOOP_MS), LOOP_MS)                               \
    call(pmqtt_loop_start(client), 0)                                        \
    call(pmqtt_loop_stop(client), STOP_MS)                                   \
    call(pmqtt_loop_read(client), 0)                                         \
    call(pmqtt_loop_write(client), 0)                                        \
    call(pmqtt_loop_misc(client), 0)                                         \
    call(pmqtt_socket(client), 0)                                            \
    call(pmqtt_want_read(client), 0)                                         \
    call(pmqtt_want_write(client), 0)                                        \
    call(pmqtt_next_timeout_ms(client), 0)                                   \
    call(pmqtt_event_fd(client), 0)                                          \
    call(pmqtt_process(client), 0)                                           \
    call(pmqtt_publish(client, "a", "0", 1, 0, false, NULL), 0)              \
    call(pmqtt_publish(client, "a", "1", 1, 1, false, NULL), 0)              \
    call(pmqtt_publish(client, "a", "2", 1, 2, false, NULL), 0)              \
    call(pmqtt_publish_message(client, BATCH, NULL), 0)                      \
    call(pmqtt_publish_batch(client, BATCH, 2, NULL, NULL), 0)               \
    call(pmqtt_drain(client, LOOP_MS, NULL), LOOP_MS)                        \
    call(pmqtt_subscribe(client, "a", 2, NULL), 0)                           \
    call(pmqtt_subscribe_multiple(client, FILTERS, QOS, 2, NULL), 0)         \
    call(pmqtt_unsubscribe(client, "a", NULL), 0)                            \
    call(pmqtt_unsubscribe_multiple(client, FILTERS, 2, NULL), 0)            \
    call(pmqtt_subscribe_with(client, SUBSCRIPTION("a"), 1, NULL, NULL), 0)  \
    call(pmqtt_unsubscribe_with(client, FILTERS, 2, NULL, NULL), 0)          \
    call(pmqtt_resubscribe_set(client, true), 0)                             \
    call(pmqtt_request(client, BATCH, 1, ignore_response, NULL, NULL), 0)    \
    call(pmqtt_request_cancel(client, 12345), 0)                             \
    call(pmqtt_reply(client, &(pmqtt_message){0}, BATCH), 0)                 \
    call(pmqtt_reply_address(&(pmqtt_message){0}, (char[8]){0}, 8, &(pmqtt_properties){0}), 0) \
    call(pmqtt_reply_to(client, &(pmqtt_properties){0}, BATCH), 0)           \
    call(pmqtt_ack(client, 12345, 1), 0)                                     \
    call(pmqtt_ack_with(client, 12345, 1, 0, NULL), 0)                       \
    call(pmqtt_will_set(client, "a", "gone", 4, 1, false), 0)                \
    call(pmqtt_will_with(client, BATCH, 0), 0)                               \
    call(pmqtt_will_clear(client), 0)                                        \
    call(pmqtt_topic_matches_sub("a/#", "a/1", &(bool){false}), 0)           \
    call(pmqtt_property_add_number(&(pmqtt_property_writer){0}, PMQTT_PROP_MAXIMUM_QOS, 1), 0) \
    call(pmqtt_property_add_bytes(&(pmqtt_property_writer){0}, PMQTT_PROP_CONTENT_TYPE, "a", 1), 0) \
    call(pmqtt_property_add_pair(&(pmqtt_property_writer){0}, "a", "b"), 0)  \
    call(pmqtt_property_finish(&(pmqtt_property_writer){0}, &(pmqtt_properties){0}), 0) \
    call(pmqtt_property_next(NULL, &(size_t){0}, &(pmqtt_property){0}), 0)   \
    call(pmqtt_property_find(NULL, PMQTT_PROP_CONTENT_TYPE, &(pmqtt_property){0}), 0) \
    call(pmqtt_property_user(NULL, "a", &(pmqtt_property){0}), 0)            \
    call(pmqtt_property_name(PMQTT_PROP_CONTENT_TYPE), 0)                    \
    call(pmqtt_max_inflight_messages_set(client, 20), 0)                     \
    call(pmqtt_max_queued_messages_set(client, 20), 0)                       \
    call(pmqtt_max_queued_bytes_set(client, 1000), 0)                        \
    call(pmqtt_max_packet_size_set(client, 1 << 20), 0)                      \
    call(pmqtt_queue_options_set(client, NULL), 0)                           \
    call(pmqtt_cancel(client, 12345), 0)                                     \
    call(pmqtt_queue_clear(client), 0)                                       \
    call(pmqtt_message_retry_set(client, 1), 0)                              \
    call(pmqtt_reconnect_delay_set(client, 1, 2), 0)                         \
    call(pmqtt_username_pw_set(client, "user", "password"), 0)               \
    call(pmqtt_manual_ack_set(client, false), 0)                             \
    call(pmqtt_auth_set(client, NULL, NULL), 0)                              \
    call(pmqtt_auth_answer(client, "data", 4, NULL), 0)                      \
    call(pmqtt_auth_fail(client, 0x80), 0)                                   \
    call(pmqtt_reauthenticate(client), 0)                                    \
    call(pmqtt_auth_scram_set(client, "user", "password"), 0)                \
    call(publish_single(where), CONNECT_MS)                                  \
    call(publish_multiple(where), CONNECT_MS)                                \
    call(subscribe_simple(where), CONNECT_MS)                                \
    call(subscribe_callback(where), CONNECT_MS)                              \
    call(pmqtt_connect_srv(client, "example.com", 60, NULL), CONNECT_MS)               \
    call(pmqtt_connect_srv_async(client, "example.com", 60, NULL), 0)        \
    call(pmqtt_tls_key_password_set(client, NULL), 0)                        \
    call(pmqtt_tls_insecure_set(client, true), 0)                        \
    call(pmqtt_tls_server_name_set(client, "a"), 0)                      \
    call(pmqtt_tls_alpn_set(client, ALPN, 1), 0)                         \
    call(pmqtt_tls_set(client, NULL, NULL, NULL, PMQTT_CERT_REQUIRED, 0, NULL), STORE_MS) \
    call(pmqtt_tls_pem_set(client, NULL, NULL, NULL, PMQTT_CERT_REQUIRED, 0, NULL), STORE_MS) \
    call(pmqtt_tls_psk_set(client, "a", "key", 3), STORE_MS)                        \
    call(pmqtt_tls_context_set(client, NULL), STORE_MS)                             \
    call(pmqtt_error_string(PMQTT_ERR_INVAL), 0)                             \
    call(pmqtt_reason_string(0x87), 0)                                       \
    call(pmqtt_connack_string(1), 0)                                         \
    call(pmqtt_last_error(client, (char[200]){0}, 200), 0)                   \
    call(pmqtt_stats(client, &(pmqtt_statistics){.struct_size = sizeof(pmqtt_statistics)}), 0) \
    call(pmqtt_lib_version(), 0)

static pthread_mutex_t reads_store = PTHREAD_MUTEX_INITIALIZER;

static void check_time(const char *call, const stopwatch *since, int asked_ms)
{
    double took = wall_ms_since(since);

    if (took - starved_ms_since(since) > asked_ms + BEYOND_MS)
        check_failed(__FILE__, __LINE__, "%s took %.0f ms", call, took);
}

#define TIMED(call, asked_ms)                    \
    do {                                         \
        stopwatch since;                         \
        if ((asked_ms) == STORE_MS)              \
            pthread_mutex_lock(&reads_store);    \
        since = stopwatch_start();               \
        (void)(call);                            \
        check_time(#call, &since, (asked_ms));   \
        if ((asked_ms) == STORE_MS)              \
            pthread_mutex_unlock(&reads_store);  \
    } while (0);

#define TIMED_IN_STATE(call, asked_ms)           \
    TIMED(connect_anew(client, where), 0)        \
    TIMED(call, asked_ms)

/* What the calling threads share. */
struct scene {
    const state *where;
    pmqtt_client *client;
};

static void *call_all(void *argument)
{
    const struct scene *self = argument;
    const state *where = self->where;
    pmqtt_client *client = self->client;
    int round;

    for (round = 0; round < ROUNDS; round++) {
        CALLS(TIMED_IN_STATE)
    }
    return NULL;
}

/* The test's own loop call, which looks whether this one runs, may come first. */
static void *run_forever(void *client)
{
    int rc;

    do
        rc = pmqtt_loop_forever(client, true);
    while (rc == PMQTT_ERR_BUSY);
    CHECK_OK(rc);
    return NULL;
}

/* It was asked to wait until disconnect, which then waits for CONNACK up to the connect timeout. */
static void end_forever(pmqtt_client *client, const state *where)
{
    stopwatch since;
    pthread_t thread;

    CHECK_OK(connect_anew(client, where));
    CHECK_INT(pthread_create(&thread, NULL, run_forever, client), 0);
    WAIT_UNTIL(pmqtt_loop(client, 0) == PMQTT_ERR_BUSY);
    since = stopwatch_start();
    pmqtt_disconnect(client);
    CHECK_INT(pthread_join(thread, NULL), 0);
    check_time("pmqtt_loop_forever", &since, CONNECT_MS);
}

/* Without the loop thread, the callers run the client. */
static void call_from_threads(const state *where, bool in_thread)
{
    struct scene self = {where, client_new(NULL, NULL)};
    pthread_t threads[CALLERS];
    stopwatch since;
    int i;

    step("%s, %s: each call", where->name, in_thread ? "thread" : "no thread");
    name_silent_host();
    if (in_thread)
        CHECK_OK(pmqtt_loop_start(self.client));
    CHECK_OK(pmqtt_connect_timeout_set(self.client, CONNECT_MS));
    for (i = 0; i < CALLERS; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, call_all, &self), 0);
    for (i = 0; i < CALLERS; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    pmqtt_loop_stop(self.client);
    end_forever(self.client, where);
    if (in_thread)
        CHECK_OK(pmqtt_loop_start(self.client));
    CHECK_OK(connect_anew(self.client, where));
    pmqtt_loop(self.client, 0);
    since = stopwatch_start();
    client_free(self.client);
    check_time("pmqtt_client_free", &since, 0);
}

static const loop_kind *const WATCHED[] = {&THREAD_LOOP, &EVENT_POLL_LOOP, &POLL_LOOP};

enum { STATES = 3, WATCHES = sizeof WATCHED / sizeof *WATCHED };

static state states[STATES];

static void prepare_states(void)
{
    states[0] = (state){"DNS is silent", silent_host, 1883, looks_up};
    states[1] = (state){"packets are dropped", BROKER_HOST, dropping_port(), has_socket};
    states[2] = (state){"the broker is silent", BROKER_HOST, accepting_port(), has_sent};
}

static void watch_case(int number)
{
    watch_cpu(&states[number / WATCHES], WATCHED[number % WATCHES]);
}

static void call_case(int number)
{
    call_from_threads(&states[number / 2], number % 2 == 0);
}

/* A watched client does nothing. The callers have work, of which much at once would take long. */
int main(void)
{
    watchdog(240);
    check_that_all_are_called(__FILE__);
    prepare_states();
    CHECK_INT(cases_play(STATES * WATCHES, STATES * WATCHES, watch_case), 0);
    CHECK_INT(cases_play(STATES * 2, 3, call_case), 0);
    return 0;
}
