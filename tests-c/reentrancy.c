/* Every function of the header, called in every callback: none hangs, each returns what the header
 * says, and the client works afterwards. */
#include <stdio.h>
#include <string.h>

#include "broker.h"
#include "functions.h"
#include "record.h"
#include "scene.h"
#include "wait.h"

static const char *const FILTERS[] = {"other/1", "other/2"};
static const pmqtt_publication BATCH[] = {{.struct_size = sizeof *BATCH, .topic = "other", .qos = 0},
                                          {.struct_size = sizeof *BATCH, .topic = "other", .qos = 1}};
static const int QOS[] = {1, 2};
static const char *const ALPN[] = {"mqtt"};
static const unsigned char KEY[] = {1, 2, 3, 4};

static void ignore(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    (void)client;
    (void)userdata;
    (void)event;
}

static int create_and_free_another(void)
{
    pmqtt_client *other = NULL;
    int rc = pmqtt_client_new(&other, NULL, true, NULL, 0);

    pmqtt_client_free(other);
    return rc;
}

static int topic_matches(void)
{
    bool result = false;
    int rc = pmqtt_topic_matches_sub("other/#", "other/1", &result);

    CHECK(result);
    return rc;
}

/* Writes and reads a list of properties. */
static int properties(void)
{
    char room[100];
    pmqtt_property_writer writer = PMQTT_PROPERTY_WRITER(room);
    pmqtt_properties list;
    pmqtt_property property;
    size_t position = 0;
    int rc;

    pmqtt_property_add_number(&writer, PMQTT_PROP_PAYLOAD_FORMAT_INDICATOR, 1);
    pmqtt_property_add_bytes(&writer, PMQTT_PROP_CONTENT_TYPE, "text", 4);
    pmqtt_property_add_pair(&writer, "name", "value");
    rc = pmqtt_property_finish(&writer, &list);
    CHECK(pmqtt_property_next(&list, &position, &property));
    CHECK(pmqtt_property_find(&list, PMQTT_PROP_CONTENT_TYPE, &property));
    CHECK(pmqtt_property_user(&list, "name", &property));
    CHECK_TEXT(pmqtt_property_name(property.id), "user property");
    return rc;
}

static int read_stats(pmqtt_client *client)
{
    pmqtt_statistics stats;

    stats.struct_size = sizeof stats;
    return pmqtt_stats(client, &stats);
}

static size_t last_error(pmqtt_client *client)
{
    char text[200];

    return pmqtt_last_error(client, text, sizeof text);
}

static int tls_set(pmqtt_client *client)
{
    return pmqtt_tls_set(client, NULL, NULL, NULL, PMQTT_CERT_REQUIRED, 0, NULL);
}

static int tls_pem_set(pmqtt_client *client)
{
    return pmqtt_tls_pem_set(client, NULL, NULL, NULL, PMQTT_CERT_REQUIRED, 0, NULL);
}

static pmqtt_oneshot_options oneshot_options(void)
{
    pmqtt_oneshot_options options;

    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.hostname = BROKER_HOST;
    options.port = broker_port();
    return options;
}

static int publish_single(void)
{
    pmqtt_oneshot_options options = oneshot_options();

    return pmqtt_publish_single("oneshot", "kept", 4, 1, true, &options);
}

static int publish_multiple(void)
{
    pmqtt_oneshot_options options = oneshot_options();
    pmqtt_publication two[2];

    memset(two, 0, sizeof two);
    two[0].struct_size = two[1].struct_size = sizeof *two;
    two[0].topic = two[1].topic = "oneshot/other";
    two[0].qos = 2;
    return pmqtt_publish_multiple(two, 2, &options);
}

static int subscribe_simple(void)
{
    const char *filter = "oneshot";
    pmqtt_oneshot_options options = oneshot_options();
    pmqtt_messages *messages = NULL;
    int rc;

    CHECK_OK(publish_single());
    rc = pmqtt_subscribe_simple(&filter, 1, 1, 1, true, &options, &messages);
    CHECK(pmqtt_messages_count(messages) == 1);
    CHECK(strcmp(pmqtt_messages_get(messages, 0)->topic, filter) == 0);
    pmqtt_messages_free(messages);
    return rc;
}

static void disconnect(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    (void)userdata;
    (void)event;
    CHECK_OK(pmqtt_disconnect(client));
}

static int subscribe_callback(void)
{
    const char *filter = "oneshot";
    pmqtt_oneshot_options options = oneshot_options();

    CHECK_OK(publish_single());
    return pmqtt_subscribe_callback(disconnect, NULL, &filter, 1, 1, &options);
}

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

#define NEGOTIATED ((pmqtt_negotiated){.struct_size = sizeof(pmqtt_negotiated)})

/* For a function that returns no PMQTT_ERR_ number: whether its result is as the header says. */
#define FITS(condition) ((condition) ? PMQTT_ERR_SUCCESS : PMQTT_ERR_UNKNOWN)

/* Each call, with its result in the callbacks of an open connection, and in the others. */
#define CALLS(call)                                                                               \
    call(pmqtt_on_connect_set(client, NULL), SUCCESS, SUCCESS)                                    \
    call(pmqtt_on_connect_fail_set(client, NULL), SUCCESS, SUCCESS)                               \
    call(pmqtt_on_disconnect_set(client, NULL), SUCCESS, SUCCESS)                                 \
    call(pmqtt_on_message_set(client, NULL), SUCCESS, SUCCESS)                                    \
    call(pmqtt_on_publish_set(client, NULL), SUCCESS, SUCCESS)                                    \
    call(pmqtt_on_subscribe_set(client, NULL), SUCCESS, SUCCESS)                                  \
    call(pmqtt_on_unsubscribe_set(client, NULL), SUCCESS, SUCCESS)                                \
    call(pmqtt_on_writable_set(client, NULL), SUCCESS, SUCCESS)                                   \
    call(pmqtt_on_drained_set(client, NULL), SUCCESS, SUCCESS)                                    \
    call(pmqtt_on_log_set(client, NULL), SUCCESS, SUCCESS)                                        \
    call(pmqtt_log_level_set(client, PMQTT_LOG_INFO), SUCCESS, SUCCESS)                           \
    call(pmqtt_on_redirect_set(client, NULL), SUCCESS, SUCCESS)                                   \
    call(pmqtt_redirect_follow(client), NOT_FOUND, NOT_FOUND)                                     \
    call(pmqtt_on_interest_set(client, NULL), SUCCESS, SUCCESS)                                   \
    call(pmqtt_message_handler_add(client, HANDLER("other")), SUCCESS, SUCCESS)                    \
    call(pmqtt_message_callback_add(client, "other", ignore), SUCCESS, SUCCESS)                   \
    call(pmqtt_message_callback_remove(client, SCENE_FILTER), SUCCESS, SUCCESS)                   \
    call(pmqtt_connect(client, BROKER_HOST, port, 60, NULL), SUCCESS, SUCCESS)                    \
    call(pmqtt_connect(client, BROKER_HOST, SCENE_NO_PORT, 60, NULL), ERRNO, ERRNO)               \
    call(pmqtt_connect_async(client, BROKER_HOST, port, 60, NULL), SUCCESS, SUCCESS)              \
    call(pmqtt_connect_srv(client, ".", 60, NULL), INVAL, INVAL)                                   \
    call(pmqtt_connect_srv_async(client, "no domain..", 60, NULL), INVAL, INVAL)                  \
    call(FITS(!pmqtt_is_connected(client) || connected), SUCCESS, SUCCESS)                        \
    call(pmqtt_connect_options_set(client, NULL), NOT_SUPPORTED, NOT_SUPPORTED)                   \
    call(pmqtt_negotiated_get(client, &NEGOTIATED), SUCCESS, NO_CONN)                             \
    call(pmqtt_negotiated_text(client, PMQTT_PROP_RESPONSE_INFORMATION, (char[8]){0}, 8), NOT_FOUND, NO_CONN) \
    call(pmqtt_reconnect(client), SUCCESS, SUCCESS)                                               \
    call(pmqtt_disconnect(client), SUCCESS, NO_CONN)                                              \
    call(pmqtt_disconnect_with(client, 0x04, NULL), SUCCESS, NO_CONN)                             \
    call(create_and_free_another(), SUCCESS, SUCCESS)                                             \
    call(pmqtt_reinitialise(client, NULL, true, pmqtt_user_data(client)), SUCCESS, SUCCESS)       \
    call(FITS(strlen(pmqtt_client_id(client)) > 0), SUCCESS, SUCCESS)                             \
    call(pmqtt_user_data_set(client, pmqtt_user_data(client)), SUCCESS, SUCCESS)                  \
    call(FITS(pmqtt_user_data(client) != NULL), SUCCESS, SUCCESS)                                 \
    call(pmqtt_loop(client, 0), BUSY, BUSY)                                                       \
    call(pmqtt_loop_forever(client, true), BUSY, BUSY)                                            \
    call(FITS(pmqtt_loop_start(client) == in_thread * PMQTT_ERR_INVAL), SUCCESS, SUCCESS)         \
    call(FITS(pmqtt_loop_stop(client) == !in_thread * PMQTT_ERR_INVAL), SUCCESS, SUCCESS)         \
    call(pmqtt_loop_read(client), BUSY, BUSY)                                                     \
    call(pmqtt_loop_write(client), BUSY, BUSY)                                                    \
    call(pmqtt_loop_misc(client), BUSY, BUSY)                                                     \
    call(FITS((pmqtt_socket(client) >= 0) == connected), SUCCESS, SUCCESS)                        \
    call(FITS(pmqtt_want_read(client) == connected), SUCCESS, SUCCESS)                            \
    call(FITS(!pmqtt_want_write(client) || connected), SUCCESS, SUCCESS)                          \
    call(FITS(pmqtt_next_timeout_ms(client) >= -1), SUCCESS, SUCCESS)                             \
    call(FITS(pmqtt_event_fd(client) >= 0), SUCCESS, SUCCESS)                                     \
    call(pmqtt_process(client), BUSY, BUSY)                                                       \
    call(pmqtt_drain(client, 0, NULL), BUSY, BUSY)                                                \
    call(pmqtt_publish(client, "other", "0", 1, 0, false, NULL), SUCCESS, NO_CONN)                \
    call(pmqtt_publish(client, "other", "1", 1, 1, false, NULL), SUCCESS, NO_CONN)                \
    call(pmqtt_publish(client, "other", "2", 1, 2, false, NULL), SUCCESS, NO_CONN)                \
    call(pmqtt_publish_message(client, BATCH, NULL), SUCCESS, NO_CONN)                            \
    call(pmqtt_publish_batch(client, BATCH, 2, NULL, NULL), SUCCESS, NO_CONN)                     \
    call(pmqtt_subscribe(client, "other", 2, NULL), SUCCESS, NO_CONN)                             \
    call(pmqtt_subscribe_multiple(client, FILTERS, QOS, 2, NULL), SUCCESS, NO_CONN)               \
    call(pmqtt_unsubscribe(client, "other", NULL), SUCCESS, NO_CONN)                              \
    call(pmqtt_unsubscribe_multiple(client, FILTERS, 2, NULL), SUCCESS, NO_CONN)                  \
    call(pmqtt_subscribe_with(client, SUBSCRIPTION("other"), 1, NULL, NULL), SUCCESS, NO_CONN)    \
    call(pmqtt_unsubscribe_with(client, FILTERS, 2, NULL, NULL), SUCCESS, NO_CONN)                \
    call(pmqtt_resubscribe_set(client, true), SUCCESS, SUCCESS)                                   \
    call(pmqtt_request(client, BATCH, 1, ignore_response, NULL, NULL), NOT_SUPPORTED, NOT_SUPPORTED) \
    call(pmqtt_request_cancel(client, 12345), NOT_FOUND, NOT_FOUND)                               \
    call(pmqtt_reply(client, &(pmqtt_message){0}, BATCH), NOT_SUPPORTED, NOT_SUPPORTED)           \
    call(pmqtt_reply_address(&(pmqtt_message){0}, (char[8]){0}, 8, &(pmqtt_properties){0}), NOT_FOUND, NOT_FOUND) \
    call(pmqtt_reply_to(client, &(pmqtt_properties){0}, BATCH), NOT_SUPPORTED, NOT_SUPPORTED)     \
    call(pmqtt_ack(client, 12345, 1), NOT_FOUND, NOT_FOUND)                                       \
    call(pmqtt_ack_with(client, 12345, 1, 0, NULL), NOT_FOUND, NOT_FOUND)                         \
    call(pmqtt_will_set(client, "other", "gone", 4, 1, false), SUCCESS, SUCCESS)                  \
    call(pmqtt_will_with(client, BATCH, 0), SUCCESS, SUCCESS)                                     \
    call(pmqtt_will_clear(client), SUCCESS, SUCCESS)                                              \
    call(topic_matches(), SUCCESS, SUCCESS)                                                       \
    call(properties(), SUCCESS, SUCCESS)                                                          \
    call(pmqtt_max_inflight_messages_set(client, 1), SUCCESS, SUCCESS)                            \
    call(pmqtt_max_queued_messages_set(client, 1), SUCCESS, SUCCESS)                              \
    call(pmqtt_max_queued_bytes_set(client, 1), SUCCESS, SUCCESS)                                 \
    call(pmqtt_max_packet_size_set(client, 1 << 20), SUCCESS, SUCCESS)                            \
    call(pmqtt_queue_options_set(client, NULL), SUCCESS, SUCCESS)                                 \
    call(pmqtt_cancel(client, 12345), NOT_FOUND, NOT_FOUND)                                       \
    call(pmqtt_queue_clear(client), SUCCESS, SUCCESS)                                             \
    call(pmqtt_message_retry_set(client, 1), SUCCESS, SUCCESS)                                    \
    call(pmqtt_connect_timeout_set(client, 1000), SUCCESS, SUCCESS)                               \
    call(pmqtt_reconnect_delay_set(client, 1, 2), SUCCESS, SUCCESS)                               \
    call(pmqtt_username_pw_set(client, "user", "password"), SUCCESS, SUCCESS)                     \
    call(pmqtt_manual_ack_set(client, true), SUCCESS, SUCCESS)                                    \
    call(publish_single(), SUCCESS, SUCCESS)                                                      \
    call(publish_multiple(), SUCCESS, SUCCESS)                                                    \
    call(subscribe_simple(), SUCCESS, SUCCESS)                                                    \
    call(subscribe_callback(), SUCCESS, SUCCESS)                                                  \
    call(tls_set(client), SUCCESS, SUCCESS)                                                       \
    call(tls_pem_set(client), SUCCESS, SUCCESS)                                                   \
    call(pmqtt_tls_key_password_set(client, NULL), SUCCESS, SUCCESS)                              \
    call(pmqtt_tls_insecure_set(client, false), SUCCESS, SUCCESS)                                 \
    call(pmqtt_tls_server_name_set(client, "localhost"), SUCCESS, SUCCESS)                        \
    call(pmqtt_tls_alpn_set(client, ALPN, 1), SUCCESS, SUCCESS)                                   \
    call(pmqtt_tls_psk_set(client, "identity", KEY, sizeof KEY), SUCCESS, SUCCESS)                \
    call(pmqtt_tls_context_set(client, NULL), SUCCESS, SUCCESS)                                   \
    call(pmqtt_auth_set(client, NULL, NULL), NOT_SUPPORTED, NOT_SUPPORTED)                        \
    call(pmqtt_auth_answer(client, "data", 4, NULL), NOT_SUPPORTED, NOT_SUPPORTED)                \
    call(pmqtt_auth_fail(client, 0x80), NOT_SUPPORTED, NOT_SUPPORTED)                             \
    call(pmqtt_reauthenticate(client), NOT_SUPPORTED, NOT_SUPPORTED)                              \
    call(pmqtt_auth_scram_set(client, "user", "password"), NOT_SUPPORTED, NOT_SUPPORTED)          \
    call(FITS(strlen(pmqtt_error_string(PMQTT_ERR_INVAL)) > 0), SUCCESS, SUCCESS)                 \
    call(FITS(strlen(pmqtt_reason_string(0x87)) > 0), SUCCESS, SUCCESS)                           \
    call(FITS(strlen(pmqtt_connack_string(1)) > 0), SUCCESS, SUCCESS)                             \
    call(FITS(last_error(client) > 0), SUCCESS, SUCCESS)                                          \
    call(read_stats(client), SUCCESS, SUCCESS)                                                    \
    call(FITS(pmqtt_lib_version() == PMQTT_VERSION_NUMBER), SUCCESS, SUCCESS)

#define ROW(expression, connected, unconnected) \
    {#expression, PMQTT_ERR_##connected, PMQTT_ERR_##unconnected},

static const struct {
    const char *text;
    int connected;
    int unconnected;
} TABLE[] = {CALLS(ROW)};

enum { COUNT = sizeof TABLE / sizeof *TABLE };

/* One call of the table, in one scene. */
struct play {
    scene scene;
    int call;
    bool in_thread;
};

static int make_call(const struct play *self)
{
    pmqtt_client *client = self->scene.client;
    const int port = broker_port();
    const bool connected = scene_is_connected(self->scene.where);
    const int in_thread = self->in_thread;
    int number = self->call;

#define CASE(expression, connected, unconnected) \
    if (number-- == 0)                           \
        return (expression);
    CALLS(CASE)
    return PMQTT_ERR_UNKNOWN;
}

static void act(scene *scene)
{
    const struct play *self = (const struct play *)scene;
    bool connected = scene_is_connected(scene->where);
    int expected = connected ? TABLE[self->call].connected : TABLE[self->call].unconnected;

    check_rc(__FILE__, __LINE__, TABLE[self->call].text, make_call(self), expected);
}

/* Whatever was called, and whichever thread runs the client now: it makes a new connection. */
static void use_afterwards(pmqtt_client *client)
{
    record seen = {0};

    pmqtt_loop_stop(client);
    CHECK_OK(pmqtt_reinitialise(client, NULL, true, &seen));
    record_events(client);
    CHECK_OK(pmqtt_loop_start(client));
    CHECK_OK(pmqtt_connect(client, BROKER_HOST, broker_port(), 60, NULL));
    WAIT_UNTIL(tally_get(&seen.connects) == 1);
}

static void play(int call, callback where, int loop)
{
    struct play self;

    step("%s in %s, %s", TABLE[call].text, CALLBACK_NAMES[where], SCENE_RUN[loop].name);
    self.call = call;
    self.in_thread = loop == SCENE_THREAD;
    scene_begin(&self.scene, where, act);
    SCENE_RUN[loop].run(&self.scene);
    use_afterwards(self.scene.client);
    client_free(self.scene.client);
}

int main(void)
{
    int call, where;

    watchdog(240);
    broker_start();
    check_that_all_are_called(__FILE__);
    for (call = 0; call < COUNT; call++) {
        for (where = 0; where < CALLBACKS; where++) {
            play(call, (callback)where, scene_is_met((callback)where, SCENE_LOOP) ? SCENE_LOOP : SCENE_READ);
            if (scene_is_met((callback)where, SCENE_THREAD))
                play(call, (callback)where, SCENE_THREAD);
        }
    }
    return 0;
}
