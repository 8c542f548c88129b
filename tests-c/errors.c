/* Each number that a function may return as an error, as the header lists it: how to get it, and its
 * text. The test reads the header, so that no number is omitted. */
#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "client.h"
#include "functions.h"
#include "peer.h"
#include "ports.h"
#include "tally.h"
#include "wait.h"

#define HOST "127.0.0.1"
#define UNKNOWN_HOST "no.such.host"

/* The name leads first to an address that works, and then to one with trouble. */
#define MOVING_HOST "moving.test"
#define GOOD_HOST "127.0.0.9"

static const char *moving_host = GOOD_HOST;

enum { SHORT_MS = 100, LONG_MS = 2000 };

/* The call fails with this number, and the client's last error contains the words. */
#define FAILS(call, number, client, words) \
    (CHECK_RC(call, number), error_seen(#call, #number), check_words(#call, client, words))

static void check_words(const char *call, const pmqtt_client *client, const char *words)
{
    char text[500];

    pmqtt_last_error(client, text, sizeof text);
    if (!strstr(text, words))
        check_failed(__FILE__, __LINE__, "%s says \"%s\" and nothing of \"%s\"", call, text, words);
}

/* The library finds this function instead of libc's: no name server is asked for an unknown name. */
int getaddrinfo(const char *restrict host, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict out)
{
    int (*libc)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

    if (strcmp(host, MOVING_HOST) == 0)
        host = moving_host;
    if (strcmp(host, UNKNOWN_HOST) == 0)
        return EAI_NONAME;
    *(void **)&libc = dlsym(RTLD_NEXT, "getaddrinfo");
    return libc(host, service, hints, out);
}

/* A name server is not asked for a domain's hosts, either. */
int res_send(const unsigned char *question, int question_len, unsigned char *answer, int answer_len)
{
    (void)question;
    (void)question_len;
    (void)answer;
    (void)answer_len;
    return -1;
}

static void ignore_message(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    (void)client;
    (void)userdata;
    (void)event;
}

static void without_client(void)
{
    const char *filter = "f";
    int qos = 0;

    step("no client");
#define NULL_FAILS(call) FAILS(call, PMQTT_ERR_INVAL, NULL, "")
    NULL_FAILS(pmqtt_on_connect_set(NULL, NULL));
    NULL_FAILS(pmqtt_on_connect_fail_set(NULL, NULL));
    NULL_FAILS(pmqtt_on_disconnect_set(NULL, NULL));
    NULL_FAILS(pmqtt_on_message_set(NULL, NULL));
    NULL_FAILS(pmqtt_on_publish_set(NULL, NULL));
    NULL_FAILS(pmqtt_on_subscribe_set(NULL, NULL));
    NULL_FAILS(pmqtt_on_unsubscribe_set(NULL, NULL));
    NULL_FAILS(pmqtt_on_writable_set(NULL, NULL));
    NULL_FAILS(pmqtt_on_drained_set(NULL, NULL));
    NULL_FAILS(pmqtt_on_log_set(NULL, NULL));
    NULL_FAILS(pmqtt_log_level_set(NULL, PMQTT_LOG_INFO));
    NULL_FAILS(pmqtt_on_interest_set(NULL, NULL));
    NULL_FAILS(pmqtt_on_redirect_set(NULL, NULL));
    NULL_FAILS(pmqtt_redirect_follow(NULL));
    NULL_FAILS(pmqtt_message_callback_add(NULL, filter, ignore_message));
    NULL_FAILS(pmqtt_message_callback_remove(NULL, filter));
    NULL_FAILS(pmqtt_message_handler_add(NULL, NULL));
    NULL_FAILS(pmqtt_connect(NULL, HOST, 1, 1, NULL));
    NULL_FAILS(pmqtt_connect_async(NULL, HOST, 1, 1, NULL));
    NULL_FAILS(pmqtt_connect_srv(NULL, "example.com", 1, NULL));
    NULL_FAILS(pmqtt_connect_srv_async(NULL, "example.com", 1, NULL));
    NULL_FAILS(pmqtt_reconnect(NULL));
    NULL_FAILS(pmqtt_connect_options_set(NULL, NULL));
    NULL_FAILS(pmqtt_negotiated_get(NULL, &(pmqtt_negotiated){.struct_size = sizeof(pmqtt_negotiated)}));
    NULL_FAILS(pmqtt_negotiated_text(NULL, PMQTT_PROP_RESPONSE_INFORMATION, (char[8]){0}, 8));
    NULL_FAILS(pmqtt_disconnect(NULL));
    NULL_FAILS(pmqtt_disconnect_with(NULL, 0, NULL));
    NULL_FAILS(pmqtt_reinitialise(NULL, NULL, true, NULL));
    NULL_FAILS(pmqtt_user_data_set(NULL, NULL));
    NULL_FAILS(pmqtt_loop(NULL, 0));
    NULL_FAILS(pmqtt_loop_forever(NULL, true));
    NULL_FAILS(pmqtt_loop_start(NULL));
    NULL_FAILS(pmqtt_loop_stop(NULL));
    NULL_FAILS(pmqtt_loop_read(NULL));
    NULL_FAILS(pmqtt_loop_write(NULL));
    NULL_FAILS(pmqtt_loop_misc(NULL));
    NULL_FAILS(pmqtt_process(NULL));
    NULL_FAILS(pmqtt_drain(NULL, 0, NULL));
    NULL_FAILS(pmqtt_publish(NULL, "t", NULL, 0, 0, false, NULL));
    NULL_FAILS(pmqtt_subscribe(NULL, filter, 0, NULL));
    NULL_FAILS(pmqtt_subscribe_multiple(NULL, &filter, &qos, 1, NULL));
    NULL_FAILS(pmqtt_unsubscribe(NULL, filter, NULL));
    NULL_FAILS(pmqtt_unsubscribe_multiple(NULL, &filter, 1, NULL));
    NULL_FAILS(pmqtt_subscribe_with(NULL, NULL, 0, NULL, NULL));
    NULL_FAILS(pmqtt_unsubscribe_with(NULL, &filter, 1, NULL, NULL));
    NULL_FAILS(pmqtt_resubscribe_set(NULL, true));
    NULL_FAILS(pmqtt_request(NULL, NULL, 1, NULL, NULL, NULL));
    NULL_FAILS(pmqtt_request_cancel(NULL, 1));
    NULL_FAILS(pmqtt_reply(NULL, NULL, NULL));
    NULL_FAILS(pmqtt_reply_address(NULL, NULL, 0, NULL));
    NULL_FAILS(pmqtt_reply_to(NULL, NULL, NULL));
    NULL_FAILS(pmqtt_ack(NULL, 1, 1));
    NULL_FAILS(pmqtt_ack_with(NULL, 1, 1, 0, NULL));
    NULL_FAILS(pmqtt_will_set(NULL, "t", NULL, 0, 0, false));
    NULL_FAILS(pmqtt_will_with(NULL, NULL, 0));
    NULL_FAILS(pmqtt_will_clear(NULL));
    NULL_FAILS(pmqtt_max_inflight_messages_set(NULL, 1));
    NULL_FAILS(pmqtt_max_queued_messages_set(NULL, 1));
    NULL_FAILS(pmqtt_max_queued_bytes_set(NULL, 1));
    NULL_FAILS(pmqtt_max_packet_size_set(NULL, 0));
    NULL_FAILS(pmqtt_queue_options_set(NULL, NULL));
    NULL_FAILS(pmqtt_cancel(NULL, 1));
    NULL_FAILS(pmqtt_queue_clear(NULL));
    NULL_FAILS(pmqtt_publish_message(NULL, NULL, NULL));
    NULL_FAILS(pmqtt_publish_batch(NULL, NULL, 0, NULL, NULL));
    NULL_FAILS(pmqtt_message_retry_set(NULL, 1));
    NULL_FAILS(pmqtt_connect_timeout_set(NULL, 1));
    NULL_FAILS(pmqtt_reconnect_delay_set(NULL, 1, 1));
    NULL_FAILS(pmqtt_username_pw_set(NULL, NULL, NULL));
    NULL_FAILS(pmqtt_manual_ack_set(NULL, true));
    NULL_FAILS(pmqtt_stats(NULL, &(pmqtt_statistics){.struct_size = sizeof(pmqtt_statistics)}));
    NULL_FAILS(pmqtt_tls_set(NULL, NULL, NULL, NULL, PMQTT_CERT_REQUIRED, 0, NULL));
    NULL_FAILS(pmqtt_tls_pem_set(NULL, NULL, NULL, NULL, PMQTT_CERT_REQUIRED, 0, NULL));
    NULL_FAILS(pmqtt_tls_key_password_set(NULL, NULL));
    NULL_FAILS(pmqtt_tls_insecure_set(NULL, true));
    NULL_FAILS(pmqtt_tls_server_name_set(NULL, NULL));
    NULL_FAILS(pmqtt_tls_alpn_set(NULL, NULL, 0));
    NULL_FAILS(pmqtt_tls_psk_set(NULL, "who", "key", 3));
    NULL_FAILS(pmqtt_tls_context_set(NULL, NULL));
    NULL_FAILS(pmqtt_auth_set(NULL, NULL, NULL));
    NULL_FAILS(pmqtt_auth_answer(NULL, NULL, 0, NULL));
    NULL_FAILS(pmqtt_auth_fail(NULL, 0x80));
    NULL_FAILS(pmqtt_reauthenticate(NULL));
    NULL_FAILS(pmqtt_auth_scram_set(NULL, NULL, NULL));
    NULL_FAILS(pmqtt_client_new(NULL, NULL, true, NULL, 0));
    NULL_FAILS(pmqtt_topic_matches_sub("a", "a", NULL));
    NULL_FAILS(pmqtt_property_finish(NULL, NULL));
}

static void handlers(pmqtt_client *client)
{
    struct {
        pmqtt_message_handler handler;
        size_t more;
    } later = {.handler = {.struct_size = sizeof later}, .more = 1};
    pmqtt_message_handler handler = {.struct_size = sizeof handler};

    FAILS(pmqtt_message_handler_add(client, NULL), PMQTT_ERR_INVAL, client, "the handler is NULL");
    FAILS(pmqtt_message_handler_add(client, &later.handler), PMQTT_ERR_NOT_SUPPORTED, client, "a later version");
    FAILS(pmqtt_message_handler_add(client, &handler), PMQTT_ERR_INVAL, client, "handler_add: the filter is NULL");
    handler.filter = "a#";
    FAILS(pmqtt_message_handler_add(client, &handler), PMQTT_ERR_INVAL, client, "handler_add: the callback is NULL");
    handler.callback = ignore_message;
    FAILS(pmqtt_message_handler_add(client, &handler), PMQTT_ERR_INVAL, client, "handler_add: # must");
    handler.struct_size = 1;
    FAILS(pmqtt_message_handler_add(client, &handler), PMQTT_ERR_INVAL, client, "struct_size is too small");
}

static void full_writer(void)
{
    char room[1];
    pmqtt_property_writer writer = PMQTT_PROPERTY_WRITER(room);
    pmqtt_properties list;

    pmqtt_property_add_number(&writer, PMQTT_PROP_MAXIMUM_QOS, 1);
    FAILS(pmqtt_property_finish(&writer, &list), PMQTT_ERR_PAYLOAD_SIZE, NULL, "");
}

static void ignore_auth(pmqtt_client *client, void *userdata, const pmqtt_auth_event *event)
{
    (void)client;
    (void)userdata;
    (void)event;
}

static void authentication(pmqtt_client *client)
{
    static char large[65537];
    static const char method[] = "\x15\0\1M", twice[] = "\x1f\0\1a\x1f\0\1b";
    pmqtt_properties properties = {NULL, 1};
    pmqtt_client *client5;

    FAILS(pmqtt_auth_set(client, "M", ignore_auth), PMQTT_ERR_NOT_SUPPORTED, client, "auth_set: only MQTT 5");
    FAILS(pmqtt_auth_answer(client, "a", 1, NULL), PMQTT_ERR_NOT_SUPPORTED, client, "auth_answer: only MQTT 5");
    FAILS(pmqtt_auth_fail(client, 0x80), PMQTT_ERR_NOT_SUPPORTED, client, "auth_fail: only MQTT 5");
    FAILS(pmqtt_reauthenticate(client), PMQTT_ERR_NOT_SUPPORTED, client, "reauthenticate: only MQTT 5");
    FAILS(pmqtt_auth_scram_set(client, "u", "p"), PMQTT_ERR_NOT_SUPPORTED, client, "auth_scram_set: only MQTT 5");

    CHECK_OK(pmqtt_client_new(&client5, "five", true, NULL, PMQTT_PROTOCOL_V5));
    memset(large, 'a', sizeof large - 1);
    FAILS(pmqtt_auth_set(client5, "M", NULL), PMQTT_ERR_INVAL, client5, "a method needs a callback");
    FAILS(pmqtt_auth_set(client5, "", ignore_auth), PMQTT_ERR_INVAL, client5, "1 to 65,535 bytes");
    FAILS(pmqtt_auth_set(client5, large, ignore_auth), PMQTT_ERR_INVAL, client5, "1 to 65,535 bytes");
    FAILS(pmqtt_auth_set(client5, "\xff", ignore_auth), PMQTT_ERR_INVAL, client5, "the method is not well-formed");
    FAILS(pmqtt_auth_answer(client5, NULL, 1, NULL), PMQTT_ERR_INVAL, client5, "auth_answer: data is NULL");
    FAILS(pmqtt_auth_answer(client5, "a", 1, &properties), PMQTT_ERR_INVAL, client5, "properties is NULL");
    properties = (pmqtt_properties){method, sizeof method - 1};
    FAILS(pmqtt_auth_answer(client5, "a", 1, &properties), PMQTT_ERR_INVAL, client5, "what pmqtt_auth_set states");
    properties = (pmqtt_properties){twice, sizeof twice - 1};
    FAILS(pmqtt_auth_answer(client5, "a", 1, &properties), PMQTT_ERR_INVAL, client5, "reason string");
    FAILS(pmqtt_auth_answer(client5, "a", 1, NULL), PMQTT_ERR_NO_CONN, client5, "no connection");
    FAILS(pmqtt_auth_fail(client5, 0), PMQTT_ERR_INVAL, client5, "neither 0x80 nor 0x83");
    FAILS(pmqtt_auth_fail(client5, 0x180), PMQTT_ERR_INVAL, client5, "neither 0x80 nor 0x83");
    FAILS(pmqtt_auth_fail(client5, 0x83), PMQTT_ERR_NO_CONN, client5, "no connection");
    FAILS(pmqtt_reauthenticate(client5), PMQTT_ERR_NO_CONN, client5, "no connection");
    FAILS(pmqtt_auth_scram_set(client5, "", "p"), PMQTT_ERR_INVAL, client5, "the user name is empty");
    FAILS(pmqtt_auth_scram_set(client5, "u", NULL), PMQTT_ERR_INVAL, client5, "the password is NULL");
    FAILS(pmqtt_auth_scram_set(client5, "u", "\a"), PMQTT_ERR_INVAL, client5, "the password has control characters");
    CHECK_OK(pmqtt_auth_scram_set(client5, NULL, NULL));
    CHECK_OK(pmqtt_auth_set(client5, NULL, NULL));
    pmqtt_client_free(client5);
}

static void wrong_arguments(pmqtt_client *client)
{
    static const char large[65536];
    const char *const empty[] = {""};
    bool matches;

    step("wrong arguments");
    full_writer();
    FAILS(pmqtt_client_new(&client, NULL, false, NULL, 0), PMQTT_ERR_INVAL, client, "");
    FAILS(pmqtt_topic_matches_sub("a#", "a", &matches), PMQTT_ERR_INVAL, client, "");
    FAILS(pmqtt_reinitialise(client, NULL, false, NULL), PMQTT_ERR_INVAL, client, "client id");
    FAILS(pmqtt_message_callback_add(client, "a#", ignore_message), PMQTT_ERR_INVAL, client, "# must");
    handlers(client);
    authentication(client);
    FAILS(pmqtt_message_callback_remove(client, "a"), PMQTT_ERR_NOT_FOUND, client, "a has no callback");
    FAILS(pmqtt_connect(client, "", 1, 1, NULL), PMQTT_ERR_INVAL, client, "the host name is empty");
    FAILS(pmqtt_connect_async(client, HOST, -1, 1, NULL), PMQTT_ERR_INVAL, client, "port -1");
    FAILS(pmqtt_reconnect(client), PMQTT_ERR_INVAL, client, "no connect call has succeeded");
    FAILS(pmqtt_connect_srv(client, "no domain..", 1, NULL), PMQTT_ERR_INVAL, client, "no domain..");
    FAILS(pmqtt_connect_srv_async(client, "no domain..", 1, NULL), PMQTT_ERR_INVAL, client, "no domain..");
    FAILS(pmqtt_log_level_set(client, 3), PMQTT_ERR_INVAL, client, "no level 3");
    FAILS(pmqtt_loop_stop(client), PMQTT_ERR_INVAL, client, "no loop thread");
    FAILS(pmqtt_loop(client, -2), PMQTT_ERR_INVAL, client, "timeout -2");
    FAILS(pmqtt_drain(client, -1, NULL), PMQTT_ERR_INVAL, client, "timeout -1");
    FAILS(pmqtt_redirect_follow(client), PMQTT_ERR_NOT_FOUND, client, "no redirect");
    FAILS(pmqtt_ack(client, 1, 3), PMQTT_ERR_INVAL, client, "QoS 3");
    FAILS(pmqtt_ack(client, 1, 1), PMQTT_ERR_NOT_FOUND, client, "no message 1");
    FAILS(pmqtt_ack_with(client, 1, 1, 0x92, NULL), PMQTT_ERR_INVAL, client, "reason 0x92");
    FAILS(pmqtt_ack_with(client, 1, 1, 0x87, NULL), PMQTT_ERR_NOT_SUPPORTED, client, "only MQTT 5");
    FAILS(pmqtt_ack_with(client, 1, 1, 0, NULL), PMQTT_ERR_NOT_FOUND, client, "no message 1");
    FAILS(pmqtt_publish(client, "a/+", NULL, 0, 0, false, NULL), PMQTT_ERR_INVAL, client, "wildcards");
    FAILS(pmqtt_publish(client, "a", large, (size_t)1 << 28, 0, false, NULL), PMQTT_ERR_PAYLOAD_SIZE, client,
          "268,435,455");
    FAILS(pmqtt_will_set(client, "a", large, sizeof large, 0, false), PMQTT_ERR_PAYLOAD_SIZE, client, "65,535");
    FAILS(pmqtt_tls_set(client, "/no/file", NULL, NULL, PMQTT_CERT_REQUIRED, 0, NULL), PMQTT_ERR_ERRNO, client,
          "/no/file");
    FAILS(pmqtt_tls_set(client, NULL, NULL, NULL, PMQTT_CERT_REQUIRED, 0, "no cipher"), PMQTT_ERR_TLS, client,
          "cipher");
    FAILS(pmqtt_tls_pem_set(client, "no pem", NULL, NULL, PMQTT_CERT_REQUIRED, 0, NULL), PMQTT_ERR_TLS, client,
          "ca_certs");
    FAILS(pmqtt_tls_alpn_set(client, empty, 1), PMQTT_ERR_TLS, client, "");
}

/* The second message is too large for the free memory, and the first one is accepted. */
static void batch_without_memory(void)
{
    enum { SIZE = 128 * 1024 * 1024 };
    pmqtt_client *client = client_new(NULL, NULL);
    pmqtt_publication messages[] = {
        {.struct_size = sizeof *messages, .topic = "a"},
        {.struct_size = sizeof *messages, .topic = "a", .payload_len = SIZE, .qos = 1}};
    struct rlimit usual, little;
    size_t accepted;

    CHECK((messages[1].payload = calloc(1, SIZE)) != NULL);
    CHECK_OK(pmqtt_max_queued_bytes_set(client, 0));
    CHECK_INT(getrlimit(RLIMIT_AS, &usual), 0);
    little = usual;
    little.rlim_cur = SIZE / 2;
    CHECK_INT(setrlimit(RLIMIT_AS, &little), 0);
    FAILS(pmqtt_publish_message(client, messages + 1, NULL), PMQTT_ERR_NOMEM, client, "no memory");
    FAILS(pmqtt_publish_batch(client, messages + 1, 1, &accepted, NULL), PMQTT_ERR_NOMEM, client, "no memory");
    CHECK_INT(accepted, 0);
    CHECK_RC(pmqtt_publish_batch(client, messages, 2, &accepted, NULL), PMQTT_ERR_NO_CONN);
    CHECK_INT(accepted, 1);
    CHECK_INT(setrlimit(RLIMIT_AS, &usual), 0);
    CHECK_INT(client_stats(client).queued_messages, 0);
    free((void *)messages[1].payload);
    client_free(client);
}

/* None of these messages is accepted. */
static void batch(pmqtt_client *client)
{
    pmqtt_publication messages[] = {{.struct_size = sizeof *messages, .topic = "a", .qos = 1},
                                    {.struct_size = sizeof *messages, .topic = "a", .qos = 1}};
    size_t accepted = 12345;
    uint64_t first = 12345;

    FAILS(pmqtt_publish_batch(client, NULL, 1, &accepted, &first), PMQTT_ERR_INVAL, client, "messages is NULL");
    messages[1].topic = "#";
    FAILS(pmqtt_publish_batch(client, messages, 2, &accepted, &first), PMQTT_ERR_INVAL, client, "it is message 1");
    messages[1].topic = "a";
    messages[1].payload = "";
    messages[1].payload_len = 1u << 28;
    FAILS(pmqtt_publish_batch(client, messages, 2, &accepted, &first), PMQTT_ERR_PAYLOAD_SIZE, client, "message 1");
    CHECK_INT(accepted, 12345);
    messages[1].payload_len = 0;
    FAILS(pmqtt_publish_batch(client, messages, 2, &accepted, &first), PMQTT_ERR_QUEUE_SIZE, client, "the queue is full");
    CHECK_INT(accepted, 0);
    CHECK_INT(first, 12345);
    messages[0].qos = 0;
    FAILS(pmqtt_publish_batch(client, messages, 1, &accepted, NULL), PMQTT_ERR_NO_CONN, client, "no connection");
    CHECK_INT(accepted, 1);
}

/* Nor are these. */
static void message(pmqtt_client *client)
{
    pmqtt_publication message = {PMQTT_PUBLICATION_INIT, .topic = "a", .qos = 1};
    uint64_t mid = 12345;

    FAILS(pmqtt_publish_message(client, NULL, &mid), PMQTT_ERR_INVAL, client, "publication is NULL");
    FAILS(pmqtt_publish_message(client, &message, &mid), PMQTT_ERR_QUEUE_SIZE, client, "the queue is full");
    message.payload = "";
    message.payload_len = 1u << 28;
    FAILS(pmqtt_publish_message(client, &message, &mid), PMQTT_ERR_PAYLOAD_SIZE, client, "268,435,455");
    message.payload_len = 0;
    message.content_type = "text";
    FAILS(pmqtt_publish_message(client, &message, &mid), PMQTT_ERR_NOT_SUPPORTED, client, "content_type");
    FAILS(pmqtt_publish_batch(client, &message, 1, NULL, &mid), PMQTT_ERR_NOT_SUPPORTED, client, "content_type");
    CHECK_INT(mid, 12345);
    message.content_type = NULL;
    message.qos = 0;
    FAILS(pmqtt_publish_message(client, &message, &mid), PMQTT_ERR_NO_CONN, client, "no connection");
    CHECK(mid != 12345);
}

/* One message waits, and there is no room for another. */
static void queue_options(pmqtt_client *client)
{
    pmqtt_queue_options options = {.struct_size = sizeof options, .when_full = 3};
    struct {
        pmqtt_queue_options options;
        int more;
    } later = {.options = {.struct_size = sizeof later}, .more = 1};

    FAILS(pmqtt_queue_options_set(client, &later.options), PMQTT_ERR_NOT_SUPPORTED, client, "a later version");
    FAILS(pmqtt_queue_options_set(client, &options), PMQTT_ERR_INVAL, client, "there is no when_full 3");
    options.when_full = -1;
    FAILS(pmqtt_queue_options_set(client, &options), PMQTT_ERR_INVAL, client, "there is no when_full -1");
    options.struct_size = 1;
    FAILS(pmqtt_queue_options_set(client, &options), PMQTT_ERR_INVAL, client, "struct_size is too small");
    FAILS(pmqtt_publish(client, "a", NULL, 0, 1, false, NULL), PMQTT_ERR_QUEUE_SIZE, client, "the queue is full");
    options = (pmqtt_queue_options){.struct_size = sizeof options, .when_full = PMQTT_WHEN_FULL_DROP_OLDEST};
    CHECK_OK(pmqtt_queue_options_set(client, &options));
    CHECK_RC(pmqtt_publish(client, "a", NULL, 0, 1, false, NULL), PMQTT_ERR_NO_CONN);
    CHECK_OK(pmqtt_queue_options_set(client, NULL));
    FAILS(pmqtt_cancel(client, 12345), PMQTT_ERR_NOT_FOUND, client, "no message 12345");
    batch(client);
    message(client);
    batch_without_memory();
    FAILS(pmqtt_publish(client, "a", NULL, 0, 1, false, NULL), PMQTT_ERR_QUEUE_SIZE, client, "the queue is full");
}

static void not_connected(pmqtt_client *client)
{
    const char *filter = "f";
    int qos = 0;

    step("not connected");
    FAILS(pmqtt_disconnect(client), PMQTT_ERR_NO_CONN, client, "no connection");
    FAILS(pmqtt_publish(client, "a", NULL, 0, 0, false, NULL), PMQTT_ERR_NO_CONN, client, "no connection");
    FAILS(pmqtt_subscribe(client, filter, 0, NULL), PMQTT_ERR_NO_CONN, client, "no connection");
    FAILS(pmqtt_subscribe_multiple(client, &filter, &qos, 1, NULL), PMQTT_ERR_NO_CONN, client, "no connection");
    FAILS(pmqtt_unsubscribe(client, filter, NULL), PMQTT_ERR_NO_CONN, client, "no connection");
    FAILS(pmqtt_unsubscribe_multiple(client, &filter, 1, NULL), PMQTT_ERR_NO_CONN, client, "no connection");
    FAILS(pmqtt_loop(client, 0), PMQTT_ERR_NO_CONN, client, "no connection");
    FAILS(pmqtt_loop_read(client), PMQTT_ERR_NO_CONN, client, "no connection");
    FAILS(pmqtt_loop_write(client), PMQTT_ERR_NO_CONN, client, "no connection");
    FAILS(pmqtt_loop_misc(client), PMQTT_ERR_NO_CONN, client, "no connection");
    FAILS(pmqtt_process(client), PMQTT_ERR_NO_CONN, client, "no connection");
    FAILS(pmqtt_loop_forever(client, true), PMQTT_ERR_INVAL, client, "call connect");
    CHECK_RC(pmqtt_publish(client, "a", NULL, 0, 1, false, NULL), PMQTT_ERR_NO_CONN);
    FAILS(pmqtt_drain(client, SHORT_MS, NULL), PMQTT_ERR_NO_CONN, client, "");
    FAILS(pmqtt_max_packet_size_set(client, 4), PMQTT_ERR_INVAL, client, "no message fits into 4 bytes");
    CHECK_OK(pmqtt_max_queued_messages_set(client, 1));
    FAILS(pmqtt_publish(client, "a", NULL, 0, 1, false, NULL), PMQTT_ERR_QUEUE_SIZE, client, "the queue is full");
    queue_options(client);
    CHECK_OK(pmqtt_reinitialise(client, NULL, true, NULL));
}

/* No thread starts without a descriptor that can wake it. */
static void no_descriptors(void)
{
    pmqtt_client *client = client_new(NULL, NULL);
    struct rlimit usual, none;

    step("no descriptors");
    CHECK_INT(getrlimit(RLIMIT_NOFILE, &usual), 0);
    none = usual;
    none.rlim_cur = 0;
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &none), 0);
    FAILS(pmqtt_loop_start(client), PMQTT_ERR_ERRNO, client, "Too many open files");
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &usual), 0);
    CHECK_OK(pmqtt_loop_start(client));
    FAILS(pmqtt_loop_start(client), PMQTT_ERR_INVAL, client, "runs already");
    CHECK_OK(pmqtt_loop_stop(client));
    client_free(client);
}

/* In bytes, including those of valgrind or the sanitizer. */
static rlim_t address_space(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long pages;

    CHECK(file != NULL);
    CHECK_INT(fscanf(file, "%lu", &pages), 1);
    CHECK_INT(fclose(file), 0);
    return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

/* The sanitizer also returns NULL if there is no memory, as the C library does. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

/* A quarter of the message fits, so everything that is smaller fits, too. */
static void no_memory(void)
{
    enum { SIZE = 128 * 1024 * 1024 };
    pmqtt_client *client = client_new(NULL, NULL);
    char *payload = calloc(1, SIZE);
    struct rlimit usual, little;

    step("no memory");
    CHECK(payload != NULL);
    CHECK_OK(pmqtt_max_queued_bytes_set(client, 0));
    CHECK_INT(getrlimit(RLIMIT_AS, &usual), 0);
    little = usual;
    little.rlim_cur = address_space() + SIZE / 4;
    CHECK_INT(setrlimit(RLIMIT_AS, &little), 0);
    FAILS(pmqtt_publish(client, "a", payload, SIZE, 1, false, NULL), PMQTT_ERR_NOMEM, client, "no memory");
    CHECK_INT(setrlimit(RLIMIT_AS, &usual), 0);
    CHECK_INT(client_stats(client).queued_messages, 0);
    CHECK_RC(pmqtt_publish(client, "a", payload, SIZE, 1, false, NULL), PMQTT_ERR_NO_CONN);
    free(payload);
    client_free(client);
}

/* Why a connection fails, whichever call makes it. */
typedef struct trouble {
    int number;
    const char *name;
    const char *words;
    /* Where to connect to; without a port, a peer plays the script. */
    const char *host;
    int (*port)(void);
    script script;
    bool tls;
    /* The largest packet that the client takes. */
    size_t most;
} trouble;

#define NUMBER(number, words) number, #number, words

static int no_port(void)
{
    return NO_PORT;
}

static const trouble CONNECTING[] = {
    {NUMBER(PMQTT_ERR_DNS, "dns: " UNKNOWN_HOST), .host = UNKNOWN_HOST, .port = no_port},
    {NUMBER(PMQTT_ERR_ERRNO, "Connection refused"), .host = HOST, .port = no_port},
    {NUMBER(PMQTT_ERR_TIMEOUT, "tcp: no answer from"), .host = HOST, .port = dropping_port},
    {NUMBER(PMQTT_ERR_TLS, "tls: "), .host = HOST, .script = {.closes = true}, .tls = true},
};

static const trouble CONNECTED[] = {
    {NUMBER(PMQTT_ERR_CONN_REFUSED, "not authorised"), .host = HOST, .script = {{REFUSAL}, false}},
    {NUMBER(PMQTT_ERR_CONN_LOST, "connection lost"), .host = HOST, .script = {{CONNACK}, true}},
    {NUMBER(PMQTT_ERR_PROTOCOL, "the broker sent PINGREQ"), .host = HOST, .script = {{ANSWER("\xc0\0")}, false}},
    {NUMBER(PMQTT_ERR_KEEPALIVE, "no answer to PINGREQ"), .host = HOST, .script = {{CONNACK}, false}},
};

static const trouble TOO_LARGE = {
    NUMBER(PMQTT_ERR_PAYLOAD_SIZE, "a packet of 1004 bytes; the limit is 1000"), .host = HOST,
    .script = {{ANSWER("\x30\xe9\x07\0\x01t")}, false}, .most = 1000,
};

enum {
    CONNECTING_COUNT = sizeof CONNECTING / sizeof *CONNECTING,
    CONNECTED_COUNT = sizeof CONNECTED / sizeof *CONNECTED
};

/* Starts the trouble, and returns its port. */
static int begin_trouble(const trouble *trouble, peer *peer)
{
    peer->pid = 0;
    if (trouble->port)
        return trouble->port();
    peer_start(peer, &trouble->script);
    return peer->port;
}

static void end_trouble(const peer *peer)
{
    if (peer->pid)
        peer_stop(peer);
}

/* Failures other than a timeout get time to occur on a busy machine; pmqtt_loop_misc may find them
 * only then. */
static void set_timeout(pmqtt_client *client, const trouble *trouble)
{
    CHECK_OK(pmqtt_connect_timeout_set(client, trouble->number == PMQTT_ERR_TIMEOUT ? SHORT_MS : LONG_MS));
}

static pmqtt_client *troubled_client(const trouble *trouble)
{
    pmqtt_client *client = client_new(NULL, NULL);

    set_timeout(client, trouble);
    CHECK_OK(pmqtt_max_packet_size_set(client, trouble->most));
    if (trouble->tls)
        CHECK_OK(pmqtt_tls_set(client, NULL, NULL, NULL, PMQTT_CERT_NONE, 0, NULL));
    return client;
}

static void check_trouble(const trouble *trouble, const char *call, int rc, const pmqtt_client *client)
{
    check_rc(__FILE__, __LINE__, call, rc, trouble->number);
    error_seen(call, trouble->name);
    check_words(call, client, trouble->words);
}

static void blocking_connect(const trouble *trouble)
{
    pmqtt_client *client = troubled_client(trouble);
    peer peer;
    int port = begin_trouble(trouble, &peer);

    step("connect: %s", trouble->name);
    check_trouble(trouble, "pmqtt_connect", pmqtt_connect(client, trouble->host, port, 1, NULL), client);
    FAILS(pmqtt_reconnect(client), PMQTT_ERR_INVAL, client, "no connect call has succeeded");
    client_free(client);
    end_trouble(&peer);
}

/* After a first connect that works, the client knows where to reconnect, and the trouble begins. */
static void blocking_reconnect(const trouble *trouble)
{
    pmqtt_client *client = client_new(NULL, NULL);
    peer peer;
    int port = begin_trouble(trouble, &peer), good = listen_at(GOOD_HOST, port);
    pmqtt_statistics before, after;

    step("reconnect: %s", trouble->name);
    set_timeout(client, trouble);
    moving_host = GOOD_HOST;
    CHECK_OK(pmqtt_connect(client, MOVING_HOST, port, 1, NULL));
    moving_host = trouble->host;
    if (trouble->tls)
        CHECK_OK(pmqtt_tls_set(client, NULL, NULL, NULL, PMQTT_CERT_NONE, 0, NULL));
    before = client_stats(client);
    CHECK_RC(pmqtt_reconnect(client), trouble->number);
    error_seen("pmqtt_reconnect", trouble->name);
    /* The previous connection is unchanged. */
    after = client_stats(client);
    CHECK(pmqtt_socket(client) >= 0);
    CHECK_INT(before.connected, after.connected);
    client_free(client);
    CHECK_INT(close(good), 0);
    end_trouble(&peer);
}

/* A way to run a client for one step. */
typedef struct way {
    const char *name;
    int (*step)(pmqtt_client *);
} way;

static void wait_for_client(const pmqtt_client *client)
{
    struct pollfd wait = {pmqtt_socket(client), 0, 0};
    int timeout = pmqtt_next_timeout_ms(client);

    if (pmqtt_want_read(client))
        wait.events |= POLLIN;
    if (pmqtt_want_write(client))
        wait.events |= POLLOUT;
    CHECK(poll(&wait, 1, timeout < 0 || timeout > 10 ? 10 : timeout) >= 0);
}

static int loop_step(pmqtt_client *client)
{
    return pmqtt_loop(client, -1);
}

static int read_step(pmqtt_client *client)
{
    wait_for_client(client);
    return pmqtt_loop_read(client);
}

static int write_step(pmqtt_client *client)
{
    wait_for_client(client);
    return pmqtt_loop_write(client);
}

static int misc_step(pmqtt_client *client)
{
    wait_for_client(client);
    return pmqtt_loop_misc(client);
}

static const way WAYS[] = {
    {"pmqtt_loop", loop_step},
    {"pmqtt_loop_read", read_step},
    {"pmqtt_loop_write", write_step},
    {"pmqtt_loop_misc", misc_step},
};

static void run_into(const trouble *trouble, const way *way)
{
    pmqtt_client *client = troubled_client(trouble);
    peer peer;
    int port = begin_trouble(trouble, &peer);
    int rc = 0;

    step("%s: %s", way->name, trouble->name);
    CHECK_OK(pmqtt_connect_async(client, trouble->host, port, 1, NULL));
    DO_UNTIL(rc != 0, rc = way->step(client));
    check_trouble(trouble, way->name, rc, client);
    client_free(client);
    end_trouble(&peer);
}

/* A callback in which each of these calls is refused. */
static void on_connect_fail(pmqtt_client *client, void *userdata, const pmqtt_connect_failed *event)
{
    (void)event;
    FAILS(pmqtt_loop(client, 0), PMQTT_ERR_BUSY, client, "another loop call");
    FAILS(pmqtt_loop_read(client), PMQTT_ERR_BUSY, client, "another loop call");
    FAILS(pmqtt_loop_write(client), PMQTT_ERR_BUSY, client, "another loop call");
    FAILS(pmqtt_loop_misc(client), PMQTT_ERR_BUSY, client, "another loop call");
    FAILS(pmqtt_loop_forever(client, true), PMQTT_ERR_BUSY, client, "another loop call");
    FAILS(pmqtt_process(client), PMQTT_ERR_BUSY, client, "another loop call");
    FAILS(pmqtt_drain(client, 0, NULL), PMQTT_ERR_BUSY, client, "called in a callback");
    *(bool *)userdata = true;
}

static void loop_in_a_loop(void)
{
    bool done = false;
    pmqtt_client *client = client_new(NULL, &done);

    step("a loop in a loop");
    CHECK_OK(pmqtt_on_connect_fail_set(client, on_connect_fail));
    CHECK_OK(pmqtt_connect_async(client, HOST, NO_PORT, 1, NULL));
    DO_UNTIL(done, pmqtt_loop(client, 10));
    client_free(client);
}

struct connecting {
    pmqtt_client *client;
    int port;
    tally done;
};

static void *connect_for_long(void *argument)
{
    struct connecting *self = argument;

    FAILS(pmqtt_connect(self->client, HOST, self->port, 1, NULL), PMQTT_ERR_NO_CONN, self->client, "");
    tally_set(&self->done, 1);
    return NULL;
}

static void *reconnect_for_long(void *argument)
{
    struct connecting *self = argument;

    FAILS(pmqtt_reconnect(self->client), PMQTT_ERR_NO_CONN, self->client, "");
    tally_set(&self->done, 1);
    return NULL;
}

/* The other thread may not have begun yet. */
static void give_up(struct connecting *self)
{
    WAIT_UNTIL((CHECK_RC(pmqtt_disconnect(self->client), PMQTT_ERR_NO_CONN), tally_get(&self->done)));
}

/* While one thread connects, another thread cannot, but it can end the attempt. */
static void connect_in_two_threads(void)
{
    struct connecting self = {client_new(NULL, NULL), dropping_port(), {0}};
    int good = listen_at(GOOD_HOST, self.port);
    pthread_t thread;

    step("two threads connect");
    CHECK_INT(pthread_create(&thread, NULL, connect_for_long, &self), 0);
    WAIT_UNTIL(pmqtt_reconnect(self.client) == PMQTT_ERR_BUSY);
    FAILS(pmqtt_reconnect(self.client), PMQTT_ERR_BUSY, self.client, "another thread");
    FAILS(pmqtt_connect(self.client, HOST, NO_PORT, 1, NULL), PMQTT_ERR_BUSY, self.client, "another thread");
    give_up(&self);
    CHECK_INT(pthread_join(thread, NULL), 0);

    moving_host = GOOD_HOST;
    CHECK_OK(pmqtt_connect(self.client, MOVING_HOST, self.port, 1, NULL));
    CHECK_OK(pmqtt_disconnect(self.client));
    moving_host = HOST;
    tally_set(&self.done, 0);
    CHECK_INT(pthread_create(&thread, NULL, reconnect_for_long, &self), 0);
    WAIT_UNTIL((pmqtt_disconnect(self.client), tally_get(&self.done)));
    CHECK_INT(pthread_join(thread, NULL), 0);
    client_free(self.client);
    CHECK_INT(close(good), 0);
}

static void domain_without_name_server(void)
{
    pmqtt_client *client = client_new(NULL, NULL);

    step("a domain");
    FAILS(pmqtt_connect_srv(client, "example.com", 1, NULL), PMQTT_ERR_DNS, client, "_mqtt._tcp.example.com");
    client_free(client);
}

/* The broker answers nothing, so each identifier stays in use. */
static void no_identifiers(void)
{
    static const script silent = {{CONNACK}, false};
    const char *filter = "f";
    pmqtt_subscription subscription = {.struct_size = sizeof subscription, .filter = "f"};
    pmqtt_client *client = client_new(NULL, NULL);
    int i, qos = 0;
    peer peer;

    step("no packet identifier is free");
    peer_start(&peer, &silent);
    CHECK_OK(pmqtt_connect(client, HOST, peer.port, 60, NULL));
    CHECK_OK(pmqtt_max_inflight_messages_set(client, 0));
    DO_UNTIL(client_stats(client).connected, pmqtt_loop(client, 10));
    for (i = 0; i < 65535; i++)
        CHECK_OK(pmqtt_publish(client, "a", NULL, 0, 1, false, NULL));
    FAILS(pmqtt_subscribe(client, filter, 0, NULL), PMQTT_ERR_QUEUE_SIZE, client, "packet identifiers");
    FAILS(pmqtt_subscribe_multiple(client, &filter, &qos, 1, NULL), PMQTT_ERR_QUEUE_SIZE, client,
          "packet identifiers");
    FAILS(pmqtt_subscribe_with(client, &subscription, 1, NULL, NULL), PMQTT_ERR_QUEUE_SIZE, client,
          "packet identifiers");
    FAILS(pmqtt_unsubscribe(client, filter, NULL), PMQTT_ERR_QUEUE_SIZE, client, "packet identifiers");
    FAILS(pmqtt_unsubscribe_with(client, &filter, 1, NULL, NULL), PMQTT_ERR_QUEUE_SIZE, client, "packet identifiers");
    FAILS(pmqtt_unsubscribe_multiple(client, &filter, 1, NULL), PMQTT_ERR_QUEUE_SIZE, client, "packet identifiers");
    FAILS(pmqtt_drain(client, SHORT_MS, NULL), PMQTT_ERR_TIMEOUT, client, "");
    client_free(client);
    peer_stop(&peer);
}

/* The broker takes no message above QoS 0. */
static void qos_above_maximum(void)
{
    static const script modest = {{ANSWER("\x20\x05\0\0\2\x24\0")}, false};
    pmqtt_client *client;
    peer peer;

    step("a QoS that the broker does not take");
    CHECK_OK(pmqtt_client_new(&client, NULL, true, NULL, PMQTT_PROTOCOL_V5));
    peer_start(&peer, &modest);
    CHECK_OK(pmqtt_connect(client, HOST, peer.port, 60, NULL));
    DO_UNTIL(client_stats(client).connected, pmqtt_loop(client, 10));
    FAILS(pmqtt_publish(client, "a", NULL, 0, 1, false, NULL), PMQTT_ERR_NOT_SUPPORTED, client, "maximum QoS");
    pmqtt_client_free(client);
    peer_stop(&peer);
}

/* The broker forgets a message between PUBREC and PUBCOMP. */
static const script forgetting = {{CONNACK, ANSWER("\x50\x02\0\x01")}, true};

static void message_in_doubt(void)
{
    static const script forgetful = {{CONNACK, ANSWER("\x70\x02\0\x01")}, false};
    pmqtt_client *client = client_new(NULL, NULL);
    peer first, second;

    step("a message in doubt");
    peer_start(&first, &forgetting);
    peer_start(&second, &forgetful);
    CHECK_OK(pmqtt_connect(client, HOST, first.port, 60, NULL));
    CHECK_OK(pmqtt_publish(client, "a", NULL, 0, 2, false, NULL));
    DO_UNTIL(pmqtt_loop(client, 10) == PMQTT_ERR_CONN_LOST, sleep_ms(0));
    FAILS(pmqtt_cancel(client, 1), PMQTT_ERR_BUSY, client, "is of QoS 2, and was sent");
    CHECK_OK(pmqtt_connect(client, HOST, second.port, 60, NULL));
    FAILS(pmqtt_drain(client, PATIENCE_MS, NULL), PMQTT_ERR_IN_DOUBT, client, "may have lost a message");
    client_free(client);
    peer_stop(&first);
    peer_stop(&second);
}

static void connect_options(void)
{
    pmqtt_connect_options options = {.struct_size = sizeof options, .clean_start = 4};
    pmqtt_client *older = client_new(NULL, NULL), *client;

    step("options of CONNECT");
    CHECK_OK(pmqtt_client_new(&client, "errors", true, NULL, PMQTT_PROTOCOL_V5));
    FAILS(pmqtt_connect_options_set(client, &options), PMQTT_ERR_INVAL, client, "there is no clean_start 4");
    FAILS(pmqtt_connect_options_set(older, NULL), PMQTT_ERR_NOT_SUPPORTED, older, "PMQTT_PROTOCOL_V5");
    client_free(older);
    pmqtt_client_free(client);
}

/* The broker takes packets of 32 bytes, no wildcards and no shared subscriptions. */
static void subscriptions_of_mqtt5(void)
{
    static const script limited = {{ANSWER("\x20\x0c\0\0\x09\x28\0\x2a\0\x27\0\0\0\x20")}, false};
    static const char USER[] = {0x26, 0, 1, 'a', 0, 1, 'b'};
    const pmqtt_properties user = {USER, sizeof USER};
    const char *all = "#", *long_one = "a filter that is too long for the broker";
    pmqtt_subscription one = {.struct_size = sizeof one, .filter = all};
    pmqtt_client *older = client_new(NULL, NULL), *client;
    int qos = 0;
    peer peer;

    step("subscriptions of MQTT 5");
    FAILS(pmqtt_subscribe_with(older, NULL, 1, NULL, NULL), PMQTT_ERR_INVAL, older, "subscribe_with is NULL");
    FAILS(pmqtt_subscribe_with(older, &one, 1, NULL, NULL), PMQTT_ERR_NO_CONN, older, "no connection");
    FAILS(pmqtt_unsubscribe_with(older, &all, 1, NULL, NULL), PMQTT_ERR_NO_CONN, older, "no connection");
    FAILS(pmqtt_unsubscribe_with(older, &all, 0, NULL, NULL), PMQTT_ERR_INVAL, older, "there is no topic filter");
    FAILS(pmqtt_unsubscribe_with(older, &all, 1, &user, NULL), PMQTT_ERR_NOT_SUPPORTED, older, "PMQTT_PROTOCOL_V5");
    client_free(older);
    CHECK_OK(pmqtt_client_new(&client, "errors", true, NULL, PMQTT_PROTOCOL_V5));
    peer_start(&peer, &limited);
    CHECK_OK(pmqtt_connect(client, HOST, peer.port, 60, NULL));
    DO_UNTIL(client_stats(client).connected, pmqtt_loop(client, 10));
    FAILS(pmqtt_subscribe(client, all, 0, NULL), PMQTT_ERR_NOT_SUPPORTED, client, "no wildcards");
    FAILS(pmqtt_subscribe_multiple(client, &all, &qos, 1, NULL), PMQTT_ERR_NOT_SUPPORTED, client, "no wildcards");
    FAILS(pmqtt_subscribe_with(client, &one, 1, NULL, NULL), PMQTT_ERR_NOT_SUPPORTED, client, "no wildcards");
    one.filter = long_one;
    FAILS(pmqtt_subscribe(client, long_one, 0, NULL), PMQTT_ERR_PAYLOAD_SIZE, client, "maximum packet size");
    FAILS(pmqtt_subscribe_multiple(client, &long_one, &qos, 1, NULL), PMQTT_ERR_PAYLOAD_SIZE, client, "packet size");
    FAILS(pmqtt_subscribe_with(client, &one, 1, NULL, NULL), PMQTT_ERR_PAYLOAD_SIZE, client, "maximum packet size");
    FAILS(pmqtt_unsubscribe(client, long_one, NULL), PMQTT_ERR_PAYLOAD_SIZE, client, "maximum packet size");
    FAILS(pmqtt_unsubscribe_multiple(client, &long_one, 1, NULL), PMQTT_ERR_PAYLOAD_SIZE, client, "packet size");
    FAILS(pmqtt_unsubscribe_with(client, &long_one, 1, NULL, NULL), PMQTT_ERR_PAYLOAD_SIZE, client, "packet size");
    pmqtt_client_free(client);
    peer_stop(&peer);
}

static void will_with(void)
{
    static const char payload[65536];
    pmqtt_publication will = {.struct_size = sizeof will, .topic = "a", .payload = payload, .payload_len = sizeof payload};
    pmqtt_client *client = client_new(NULL, NULL);

    step("a will with all fields");
    FAILS(pmqtt_will_with(client, NULL, 0), PMQTT_ERR_INVAL, client, "the will is NULL");
    FAILS(pmqtt_will_with(client, &will, 0), PMQTT_ERR_PAYLOAD_SIZE, client, "65,535 bytes");
    FAILS(pmqtt_will_with(client, &will, 1), PMQTT_ERR_NOT_SUPPORTED, client, "PMQTT_PROTOCOL_V5");
    client_free(client);
}

static void ignore_response(pmqtt_client *client, void *userdata, const pmqtt_response *event)
{
    (void)client;
    (void)userdata;
    (void)event;
}

static void request_without_memory(pmqtt_client *client, const pmqtt_message *request)
{
    enum { SIZE = 128 * 1024 * 1024 };
    pmqtt_publication message = {PMQTT_PUBLICATION_INIT, .topic = "a", .payload_len = SIZE, .qos = 1};
    struct rlimit usual, little;
    uint64_t id = 12345;

    CHECK((message.payload = calloc(1, SIZE)) != NULL);
    CHECK_OK(pmqtt_max_queued_bytes_set(client, 0));
    CHECK_INT(getrlimit(RLIMIT_AS, &usual), 0);
    little = usual;
    little.rlim_cur = SIZE / 2;
    CHECK_INT(setrlimit(RLIMIT_AS, &little), 0);
    FAILS(pmqtt_request(client, &message, 1, ignore_response, NULL, &id), PMQTT_ERR_NOMEM, client, "no memory");
    message.topic = NULL;
    FAILS(pmqtt_reply(client, request, &message), PMQTT_ERR_NOMEM, client, "no memory");
    FAILS(pmqtt_reply_to(client, &request->properties, &message), PMQTT_ERR_NOMEM, client, "no memory");
    CHECK_INT(setrlimit(RLIMIT_AS, &usual), 0);
    CHECK_INT(id, 12345);
    free((void *)message.payload);
}

static void requests_and_replies(void)
{
    static const char TO[] = "\x08\0\1r";
    const pmqtt_properties where = {TO, sizeof TO - 1}, cut = {TO, 2};
    const pmqtt_message no_request = {0}, request = {.properties = where};
    pmqtt_publication message = {PMQTT_PUBLICATION_INIT, .topic = "a"}, reply = {PMQTT_PUBLICATION_INIT};
    pmqtt_client *older = client_new(NULL, NULL), *client;
    pmqtt_properties address;
    char room[8];

    step("requests and replies");
    FAILS(pmqtt_request(older, &message, 1, ignore_response, NULL, NULL), PMQTT_ERR_NOT_SUPPORTED, older, "MQTT 5");
    FAILS(pmqtt_reply(older, &request, &reply), PMQTT_ERR_NOT_SUPPORTED, older, "MQTT 5");
    FAILS(pmqtt_reply_to(older, &where, &reply), PMQTT_ERR_NOT_SUPPORTED, older, "MQTT 5");
    client_free(older);
    CHECK_OK(pmqtt_client_new(&client, "errors", true, NULL, PMQTT_PROTOCOL_V5));
    FAILS(pmqtt_request(client, &message, 1, ignore_response, NULL, NULL), PMQTT_ERR_NO_CONN, client, "no connection");
    FAILS(pmqtt_request(client, &message, 0, ignore_response, NULL, NULL), PMQTT_ERR_INVAL, client, "timeout_ms");
    message.tag = 1;
    FAILS(pmqtt_request(client, &message, 1, ignore_response, NULL, NULL), PMQTT_ERR_INVAL, client, "tag has to be 0");
    message = (pmqtt_publication){PMQTT_PUBLICATION_INIT, .topic = "a", .payload = "", .payload_len = 1u << 28};
    FAILS(pmqtt_request(client, &message, 1, ignore_response, NULL, NULL), PMQTT_ERR_PAYLOAD_SIZE, client, "268,435");
    request_without_memory(client, &request);
    message = (pmqtt_publication){PMQTT_PUBLICATION_INIT, .topic = "a", .qos = 1};
    CHECK_OK(pmqtt_max_queued_messages_set(client, 1));
    CHECK_OK(pmqtt_request(client, &message, PATIENCE_MS, ignore_response, NULL, NULL));
    FAILS(pmqtt_request(client, &message, 1, ignore_response, NULL, NULL), PMQTT_ERR_QUEUE_SIZE, client, "is full");
    FAILS(pmqtt_request_cancel(client, 12345), PMQTT_ERR_NOT_FOUND, client, "no request 12345");
    FAILS(pmqtt_reply(client, &no_request, &reply), PMQTT_ERR_NOT_FOUND, client, "no response topic");
    FAILS(pmqtt_reply(client, &request, &message), PMQTT_ERR_INVAL, client, "topic and correlation");
    FAILS(pmqtt_reply(client, &request, &reply), PMQTT_ERR_NO_CONN, client, "no connection");
    FAILS(pmqtt_reply_to(client, &no_request.properties, &reply), PMQTT_ERR_NOT_FOUND, client, "no response topic");
    FAILS(pmqtt_reply_to(client, &cut, &reply), PMQTT_ERR_INVAL, client, "reply: a property is longer");
    FAILS(pmqtt_reply_to(client, &where, &reply), PMQTT_ERR_NO_CONN, client, "no connection");
    reply.qos = 1;
    FAILS(pmqtt_reply(client, &request, &reply), PMQTT_ERR_QUEUE_SIZE, client, "is full");
    FAILS(pmqtt_reply_to(client, &where, &reply), PMQTT_ERR_QUEUE_SIZE, client, "is full");
    reply.payload = "";
    reply.payload_len = 1u << 28;
    FAILS(pmqtt_reply(client, &request, &reply), PMQTT_ERR_PAYLOAD_SIZE, client, "268,435");
    FAILS(pmqtt_reply_to(client, &where, &reply), PMQTT_ERR_PAYLOAD_SIZE, client, "268,435");
    FAILS(pmqtt_reply_address(&no_request, room, sizeof room, &address), PMQTT_ERR_NOT_FOUND, NULL, "");
    FAILS(pmqtt_reply_address(&request, room, 3, &address), PMQTT_ERR_INVAL, NULL, "");
    pmqtt_client_free(client);
}

static void disconnect_with(void)
{
    pmqtt_client *client = client_new(NULL, NULL);

    step("a reason to disconnect");
    FAILS(pmqtt_disconnect_with(client, 0x04, NULL), PMQTT_ERR_NO_CONN, client, "no connection");
    FAILS(pmqtt_disconnect_with(client, 0x8b, NULL), PMQTT_ERR_INVAL, client, "must not give reason 0x8b");
    FAILS(pmqtt_disconnect_with(client, 0x80, NULL), PMQTT_ERR_NOT_SUPPORTED, client, "PMQTT_PROTOCOL_V5");
    client_free(client);
}

static void negotiated(void)
{
    static const script silent = {{CONNACK}, false};
    pmqtt_negotiated out = {.struct_size = sizeof out};
    pmqtt_client *client = client_new(NULL, NULL);
    char text[8];
    peer peer;

    step("what was negotiated");
    FAILS(pmqtt_negotiated_get(client, &out), PMQTT_ERR_NO_CONN, client, "no connection");
    FAILS(pmqtt_negotiated_text(client, PMQTT_PROP_RESPONSE_INFORMATION, text, sizeof text), PMQTT_ERR_NO_CONN, client,
          "no connection");
    peer_start(&peer, &silent);
    CHECK_OK(pmqtt_connect(client, HOST, peer.port, 60, NULL));
    DO_UNTIL(client_stats(client).connected, pmqtt_loop(client, 10));
    FAILS(pmqtt_negotiated_get(client, NULL), PMQTT_ERR_INVAL, client, "out is NULL");
    FAILS(pmqtt_negotiated_text(client, PMQTT_PROP_RESPONSE_INFORMATION, text, sizeof text), PMQTT_ERR_NOT_FOUND,
          client, "has not stated");
    FAILS(pmqtt_negotiated_text(client, PMQTT_PROP_REASON_STRING, text, sizeof text), PMQTT_ERR_INVAL, client,
          "property 31");
    client_free(client);
    peer_stop(&peer);
}

/* With the method "M", and a maximum packet size of 20. Then without either. */
static const script authenticating = {{ANSWER("\x20\x0c\0\0\x09\x15\0\1M\x27\0\0\0\x14")}, false};
static const script trusting = {{ANSWER("\x20\3\0\0\0")}, false};

static void answer_auth(pmqtt_client *client, void *userdata, const pmqtt_auth_event *event)
{
    (void)userdata;
    if (event->step != PMQTT_AUTH_START)
        return;
    if (pmqtt_is_connected(client)) {
        FAILS(pmqtt_reauthenticate(client), PMQTT_ERR_BUSY, client, "an authentication runs already");
        FAILS(pmqtt_auth_answer(client, "0123456789", 10, NULL), PMQTT_ERR_PAYLOAD_SIZE, client,
              "the broker's maximum packet size");
    } else {
        FAILS(pmqtt_reauthenticate(client), PMQTT_ERR_NO_CONN, client, "no connection");
    }
    CHECK_OK(pmqtt_auth_answer(client, "1", 1, NULL));
    FAILS(pmqtt_auth_answer(client, "2", 1, NULL), PMQTT_ERR_INVAL, client, "no step of an authentication waits");
}

static void authentication_again(void)
{
    const script *const scripts[] = {&authenticating, &trusting};
    int i;

    for (i = 0; i < 2; i++) {
        pmqtt_client *client;
        peer peer;

        step("authentication again, %s", i == 0 ? "with a method" : "without one");
        CHECK_OK(pmqtt_client_new(&client, NULL, true, NULL, PMQTT_PROTOCOL_V5));
        CHECK_OK(pmqtt_auth_set(client, i == 0 ? "M" : NULL, answer_auth));
        peer_start(&peer, scripts[i]);
        CHECK_OK(pmqtt_connect(client, HOST, peer.port, 60, NULL));
        DO_UNTIL(pmqtt_is_connected(client), pmqtt_loop(client, 10));
        if (i == 0) {
            CHECK_OK(pmqtt_reauthenticate(client));
            FAILS(pmqtt_reauthenticate(client), PMQTT_ERR_BUSY, client, "an authentication runs already");
            CHECK_OK(pmqtt_loop(client, 10));
        } else {
            FAILS(pmqtt_reauthenticate(client), PMQTT_ERR_INVAL, client, "no authentication method");
            FAILS(pmqtt_auth_fail(client, 0x80), PMQTT_ERR_INVAL, client, "no step of an authentication waits");
        }
        pmqtt_client_free(client);
        peer_stop(&peer);
    }
}

/* How often a client may be sent elsewhere in a row. */
enum { HOPS = 5 };

static void follow(pmqtt_client *client, void *told, const pmqtt_redirect *event)
{
    CHECK_INT(event->hops, *(int *)told);
    if (event->hops < HOPS)
        CHECK_OK(pmqtt_redirect_follow(client));
    else
        FAILS(pmqtt_redirect_follow(client), PMQTT_ERR_CONN_REFUSED, client, "5 redirects in a row");
    *(int *)told += 1;
}

/* Each peer refers to the next one. */
static void redirects(void)
{
    char bytes[HOPS + 1][64];
    peer peers[HOPS + 1];
    pmqtt_client *client;
    int i, told = 0, port = 1;

    step("redirects");
    for (i = HOPS; i >= 0; i--) {
        script refusal = {{{bytes[i], 0}}, false};
        int length = snprintf(bytes[i] + 8, sizeof bytes[i] - 8, "%s:%d", HOST, port);
        const char head[] = {0x20, (char)(length + 6), 0, (char)0x9c, (char)(length + 3), 0x1c, 0, (char)length};

        memcpy(bytes[i], head, sizeof head);
        refusal.answers[0].length = sizeof head + (size_t)length;
        peer_start(&peers[i], &refusal);
        port = peers[i].port;
    }
    CHECK_OK(pmqtt_client_new(&client, NULL, true, &told, PMQTT_PROTOCOL_V5));
    CHECK_OK(pmqtt_on_redirect_set(client, follow));
    CHECK_OK(pmqtt_connect(client, HOST, port, 60, NULL));
    DO_UNTIL(told > HOPS, pmqtt_loop(client, 10));
    pmqtt_client_free(client);
    for (i = 0; i <= HOPS; i++)
        peer_stop(&peers[i]);
}

/* The one-shots; each is asked for one message. */
static int publish_single(const pmqtt_oneshot_options *options)
{
    return pmqtt_publish_single("a", NULL, 0, 1, false, options);
}

static int publish_multiple(const pmqtt_oneshot_options *options)
{
    const pmqtt_publication message = {.struct_size = sizeof message, .topic = "a", .qos = 1};

    return pmqtt_publish_multiple(&message, 1, options);
}

static int publish_single_once(const pmqtt_oneshot_options *options)
{
    return pmqtt_publish_single("a", NULL, 0, 2, false, options);
}

static int publish_multiple_once(const pmqtt_oneshot_options *options)
{
    const pmqtt_publication message = {.struct_size = sizeof message, .topic = "a", .qos = 2};

    return pmqtt_publish_multiple(&message, 1, options);
}

static int subscribe_simple(const pmqtt_oneshot_options *options)
{
    const char *filter = "a";
    pmqtt_messages *messages;
    int rc = pmqtt_subscribe_simple(&filter, 1, 1, 1, true, options, &messages);

    CHECK(messages == NULL);
    return rc;
}

static int subscribe_callback(const pmqtt_oneshot_options *options)
{
    const char *filter = "a";

    return pmqtt_subscribe_callback(ignore_message, NULL, &filter, 1, 1, options);
}

typedef struct oneshot {
    const char *name;
    int (*call)(const pmqtt_oneshot_options *);
} oneshot;

static const oneshot PUBLISH[] = {
    {"pmqtt_publish_single", publish_single},
    {"pmqtt_publish_multiple", publish_multiple},
};

static const oneshot PUBLISH_ONCE[] = {
    {"pmqtt_publish_single", publish_single_once},
    {"pmqtt_publish_multiple", publish_multiple_once},
};

static const oneshot SUBSCRIBE[] = {
    {"pmqtt_subscribe_simple", subscribe_simple},
    {"pmqtt_subscribe_callback", subscribe_callback},
};

/* All options are valid except those that the caller changes. */
static void check_oneshot(const oneshot *oneshot, pmqtt_oneshot_options options, int number, const char *name,
                          const char *words)
{
    char error[500] = "";

    step("%s: %s", oneshot->name, name);
    options.error = error;
    options.error_size = sizeof error;
    check_rc(__FILE__, __LINE__, oneshot->name, oneshot->call(&options), number);
    error_seen(oneshot->name, name);
    if (!strstr(error, words))
        check_failed(__FILE__, __LINE__, "%s says \"%s\" and nothing of \"%s\"", oneshot->name, error, words);
}

static pmqtt_oneshot_options oneshot_options(const char *host, int port)
{
    pmqtt_oneshot_options options = {.struct_size = sizeof options};

    options.hostname = host;
    options.port = port;
    options.keepalive = 1;
    return options;
}

static void publish_into(const trouble *trouble, const oneshot *oneshot)
{
    const pmqtt_tls_options tls = {.struct_size = sizeof tls, .no_verify = true};
    peer peer;
    pmqtt_oneshot_options options = oneshot_options(trouble->host, begin_trouble(trouble, &peer));

    if (trouble->number == PMQTT_ERR_TIMEOUT)
        options.timeout_ms = SHORT_MS;
    if (trouble->tls)
        options.tls = &tls;
    check_oneshot(oneshot, options, trouble->number, trouble->name, trouble->words);
    end_trouble(&peer);
}

static void wrong_options(const oneshot *oneshot)
{
    struct {
        pmqtt_oneshot_options options;
        size_t unknown;
    } later = {.unknown = 1};
    pmqtt_oneshot_options options = oneshot_options(HOST, -1);

    check_oneshot(oneshot, options, NUMBER(PMQTT_ERR_INVAL, "port -1"));
    options.struct_size++;
    check_oneshot(oneshot, options, NUMBER(PMQTT_ERR_INVAL, ""));
    later.options = oneshot_options(HOST, 1);
    later.options.struct_size = sizeof later;
    CHECK_RC(oneshot->call(&later.options), PMQTT_ERR_NOT_SUPPORTED);
    error_seen(oneshot->name, "PMQTT_ERR_NOT_SUPPORTED");
}

static void publish_in_vain(const oneshot *oneshot)
{
    static const script refusing = {{ANSWER("\x20\x03\0\0\0"), ANSWER("\x40\x03\0\x01\x87")}, false};
    pmqtt_oneshot_options options;
    peer peer;

    peer_start(&peer, &refusing);
    options = oneshot_options(HOST, peer.port);
    options.protocol = PMQTT_PROTOCOL_V5;
    check_oneshot(oneshot, options, NUMBER(PMQTT_ERR_REJECTED, "refused: 1; the first with 0x87: Not authorised."));
    peer_stop(&peer);
}

static void too_large_for_a_oneshot(void)
{
    static const char payload[1];
    const size_t length = (size_t)1 << 28;
    const pmqtt_publication message = {
        .struct_size = sizeof message, .topic = "a", .payload = payload, .payload_len = length};

    step("a oneshot's payload");
    FAILS(pmqtt_publish_single("a", payload, length, 0, false, NULL), PMQTT_ERR_PAYLOAD_SIZE, NULL, "");
    FAILS(pmqtt_publish_multiple(&message, 1, NULL), PMQTT_ERR_PAYLOAD_SIZE, NULL, "");
}

static void subscribe_in_vain(const oneshot *oneshot)
{
    static const script refusing = {{CONNACK, ANSWER("\x90\x03\0\x01\x80")}, false};
    static const script not_welcome = {{REFUSAL}, false};
    static const script silent = {{CONNACK}, false};
    pmqtt_oneshot_options options;
    peer peer;

    peer_start(&peer, &refusing);
    check_oneshot(oneshot, oneshot_options(HOST, peer.port), NUMBER(PMQTT_ERR_ACL_DENIED, "the broker refused"));
    peer_stop(&peer);
    peer_start(&peer, &not_welcome);
    check_oneshot(oneshot, oneshot_options(HOST, peer.port), NUMBER(PMQTT_ERR_CONN_REFUSED, "not authorised"));
    peer_stop(&peer);
    peer_start(&peer, &silent);
    options = oneshot_options(HOST, peer.port);
    options.keepalive = 60;
    options.timeout_ms = SHORT_MS;
    check_oneshot(oneshot, options, NUMBER(PMQTT_ERR_TIMEOUT, ""));
    peer_stop(&peer);
}

static void oneshots(void)
{
    const trouble doubt = {NUMBER(PMQTT_ERR_IN_DOUBT, "0 of 1 messages"), .host = HOST, .script = forgetting};
    size_t i, k;

    for (i = 0; i < 2; i++) {
        publish_into(&doubt, &PUBLISH_ONCE[i]);
        for (k = 0; k < CONNECTING_COUNT; k++)
            publish_into(&CONNECTING[k], &PUBLISH[i]);
        for (k = 0; k < CONNECTED_COUNT; k++)
            publish_into(&CONNECTED[k], &PUBLISH[i]);
        wrong_options(&PUBLISH[i]);
        publish_in_vain(&PUBLISH[i]);
        wrong_options(&SUBSCRIBE[i]);
        subscribe_in_vain(&SUBSCRIBE[i]);
    }
    too_large_for_a_oneshot();
}

static void connections(void)
{
    size_t i, k;

    for (k = 0; k < CONNECTING_COUNT; k++)
        blocking_connect(&CONNECTING[k]);
    for (k = 0; k < CONNECTING_COUNT; k++)
        blocking_reconnect(&CONNECTING[k]);
    for (i = 0; i < sizeof WAYS / sizeof *WAYS; i++) {
        for (k = 0; k < CONNECTING_COUNT; k++)
            run_into(&CONNECTING[k], &WAYS[i]);
        for (k = 0; k < CONNECTED_COUNT; k++)
            run_into(&CONNECTED[k], &WAYS[i]);
        run_into(&TOO_LARGE, &WAYS[i]);
    }
}

int main(void)
{
    pmqtt_client *client;

    watchdog(200);
    client = client_new(NULL, NULL);
    without_client();
    wrong_arguments(client);
    not_connected(client);
    client_free(client);
    no_descriptors();
    no_memory();
    connections();
    loop_in_a_loop();
    connect_in_two_threads();
    domain_without_name_server();
    no_identifiers();
    qos_above_maximum();
    message_in_doubt();
    connect_options();
    disconnect_with();
    will_with();
    requests_and_replies();
    subscriptions_of_mqtt5();
    negotiated();
    authentication_again();
    redirects();
    oneshots();
    check_that_all_errors_are_seen();
    return 0;
}
