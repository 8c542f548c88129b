/* Messages of MQTT 5: what one client publishes with pmqtt_publish_message, another one receives, and may hand on. What
 * is wrong is refused, and changes nothing. */
#include <string.h>

#include "broker.h"
#include "loops.h"
#include "record.h"

#define FAILS(call, number, client, part)     \
    do {                                      \
        CHECK_RC(call, number);               \
        check_last_error(client, part);       \
    } while (0)

#define PAYLOAD "{\"p\": 1}"
#define CORRELATION "\x00\xff\x01"

enum { EXPIRY_S = 100, LONG = 70000 };

static const pmqtt_pair USER[] = {{"site", "north"}, {"unit", "kPa"}, {"site", ""}};

static void check_last_error(pmqtt_client *client, const char *part)
{
    char text[300];

    pmqtt_last_error(client, text, sizeof text);
    if (!strstr(text, part))
        check_failed(__FILE__, __LINE__, "\"%s\" is not in \"%s\"", part, text);
}

struct side {
    record record;
    uint64_t tag;
    int reason, rc;
};

static void on_publish(pmqtt_client *client, void *userdata, const pmqtt_published *event)
{
    struct side *self = userdata;

    (void)client;
    self->tag = event->tag;
    self->rc = event->rc;
    self->reason = event->reason;
    tally_add(&self->record.published);
}

/* A message with each field. */
static pmqtt_publication everything(const char *topic, int qos)
{
    return (pmqtt_publication){PMQTT_PUBLICATION_INIT, .topic = topic, .payload = PAYLOAD,
                               .payload_len = strlen(PAYLOAD), .qos = qos, .expiry_s = EXPIRY_S,
                               .content_type = "application/json", .response_topic = "answers/1",
                               .correlation = CORRELATION, .correlation_len = 3, .payload_is_utf8 = true,
                               .user_properties = USER, .user_property_count = 3, .tag = UINT64_MAX - qos};
}

static void check_bytes(const pmqtt_message *message, int id, const char *value, size_t len)
{
    pmqtt_property property;

    CHECK(pmqtt_property_find(&message->properties, id, &property));
    CHECK_INT(property.value_len, len);
    CHECK(memcmp(property.value, value, len) == 0);
}

static void check_everything(const pmqtt_message *message)
{
    pmqtt_property property;
    size_t position = 0, users = 0, all = 0;

    CHECK_INT(message->payload_len, strlen(PAYLOAD));
    CHECK(memcmp(message->payload, PAYLOAD, strlen(PAYLOAD)) == 0);
    check_bytes(message, PMQTT_PROP_CONTENT_TYPE, "application/json", 16);
    check_bytes(message, PMQTT_PROP_RESPONSE_TOPIC, "answers/1", 9);
    check_bytes(message, PMQTT_PROP_CORRELATION_DATA, CORRELATION, 3);
    CHECK(pmqtt_property_find(&message->properties, PMQTT_PROP_PAYLOAD_FORMAT_INDICATOR, &property));
    CHECK_INT(property.number, 1);
    CHECK(pmqtt_property_find(&message->properties, PMQTT_PROP_MESSAGE_EXPIRY_INTERVAL, &property));
    CHECK(property.number > EXPIRY_S - PATIENCE_MS / 1000 && property.number <= EXPIRY_S);
    while (pmqtt_property_next(&message->properties, &position, &property)) {
        all++;
        if (property.id == PMQTT_PROP_USER_PROPERTY) {
            CHECK(users < 3);
            CHECK(strncmp(property.name, USER[users].name, property.name_len) == 0);
            CHECK_INT(property.value_len, strlen(USER[users].value));
            CHECK(strncmp(property.value, USER[users].value, property.value_len) == 0);
            users++;
        }
    }
    CHECK_INT(users, 3);
    CHECK_INT(all, 8);
}

/* Checks a message, and hands it on once with the list of the event. */
static void hand_on(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    struct side *self = userdata;

    check_everything(event);
    if (strcmp(event->topic, "all/first") == 0) {
        pmqtt_publication message = {PMQTT_PUBLICATION_INIT, .topic = "all/again", .payload = event->payload,
                                     .payload_len = event->payload_len, .qos = event->qos,
                                     .properties = event->properties};

        CHECK_OK(pmqtt_publish_message(client, &message, NULL));
    }
    tally_add(&self->record.messages);
}

static pmqtt_client *client_of_mqtt5(struct side *self)
{
    pmqtt_client *client;

    memset(self, 0, sizeof *self);
    CHECK_OK(pmqtt_client_new(&client, NULL, true, self, PMQTT_PROTOCOL_V5));
    record_events(client);
    CHECK_OK(pmqtt_on_publish_set(client, on_publish));
    return client;
}

static void connect_to(loop *loop, pmqtt_client *client, struct side *self)
{
    loop_add(loop, client);
    CHECK_OK(pmqtt_connect(client, BROKER_HOST, broker_port(), 60, NULL));
    RUN_UNTIL(loop, tally_get(&self->record.connects) == 1);
}

static void round_trip(void)
{
    struct side sender, receiver;
    pmqtt_client *from = client_of_mqtt5(&sender), *to = client_of_mqtt5(&receiver);
    loop loop;
    int qos;

    loop_begin(&loop, &STEP_LOOP);
    connect_to(&loop, from, &sender);
    connect_to(&loop, to, &receiver);
    CHECK_OK(pmqtt_on_message_set(to, hand_on));
    CHECK_OK(pmqtt_subscribe(to, "all/#", 2, NULL));
    RUN_UNTIL(&loop, tally_get(&receiver.record.subscribed) == 1);
    for (qos = 0; qos <= 2; qos++) {
        pmqtt_publication message = everything("all/first", qos);
        uint64_t mid = 0;

        step("each field arrives, and is handed on: QoS %d", qos);
        CHECK_OK(pmqtt_publish_message(from, &message, &mid));
        CHECK_INT(mid, qos + 1);
        RUN_UNTIL(&loop, tally_get(&receiver.record.messages) == 2 * (qos + 1));
        RUN_UNTIL(&loop, tally_get(&receiver.record.published) == qos + 1);
        RUN_UNTIL(&loop, tally_get(&sender.record.published) == qos + 1);
        CHECK(sender.tag == UINT64_MAX - qos && receiver.tag == 0);
        CHECK_INT(sender.reason, qos ? 0 : -1);
    }

    step("nobody has subscribed");
    {
        pmqtt_publication message = everything("nobody", 1);

        CHECK_OK(pmqtt_publish_message(from, &message, NULL));
        RUN_UNTIL(&loop, tally_get(&sender.record.published) == 4);
        CHECK_INT(sender.rc, PMQTT_ERR_SUCCESS);
        CHECK_INT(sender.reason, 0x10);
        CHECK_INT(client_stats(from).messages_out, 4);
    }

    step("a batch");
    {
        pmqtt_publication messages[] = {everything("all/first", 2), everything("all/first", 0),
                                        everything("all/first", 1)};

        CHECK_OK(pmqtt_publish_batch(from, messages, 3, NULL, NULL));
        RUN_UNTIL(&loop, tally_get(&receiver.record.messages) == 12);
        RUN_UNTIL(&loop, tally_get(&sender.record.published) == 7);
    }
    loop_end(&loop);
    pmqtt_client_free(from);
    pmqtt_client_free(to);
}

static void refusals(void)
{
    static char text[LONG + 1], large[LONG];
    struct side side;
    pmqtt_client *client = client_of_mqtt5(&side);
    pmqtt_publication message = {PMQTT_PUBLICATION_INIT, .topic = "a", .qos = 1};
    pmqtt_property_writer writer = {large, sizeof large, 0, PMQTT_ERR_SUCCESS};
    pmqtt_pair pair = {"name", NULL};
    uint64_t mid = 12345;
    int i;

    step("wrong fields");
    memset(text, 'a', LONG);
#define REFUSED(field, value, part)                                                            \
    do {                                                                                       \
        pmqtt_publication wrong = message;                                                     \
                                                                                               \
        wrong.field = value;                                                                   \
        FAILS(pmqtt_publish_message(client, &wrong, &mid), PMQTT_ERR_INVAL, client, part);     \
        FAILS(pmqtt_publish_batch(client, &wrong, 1, NULL, &mid), PMQTT_ERR_INVAL, client, part); \
    } while (0)
    REFUSED(struct_size, 8, "struct_size");
    REFUSED(topic, NULL, "topic is NULL");
    REFUSED(topic, "a/#", "wildcards");
    REFUSED(qos, 3, "QoS 3");
    REFUSED(payload_len, 1, "payload is NULL");
    REFUSED(content_type, "\xff", "content_type is not well-formed UTF-8");
    REFUSED(content_type, text, "content_type is longer");
    REFUSED(response_topic, "a/+", "response_topic: ");
    REFUSED(response_topic, "", "response_topic: ");
    REFUSED(correlation_len, 1, "correlation is NULL");
    REFUSED(user_property_count, 1, "user_properties is NULL");
    message.user_property_count = 1;
    REFUSED(user_properties, &pair, "the value of user property 0 is NULL");
    pair.value = "\xed\xa0\x80";
    REFUSED(user_properties, &pair, "the value of user property 0 is not well-formed UTF-8");
    message.user_property_count = 0;

    step("wrong lists");
    REFUSED(properties.len, 1, "the list of properties is NULL");
    message.properties.data = "\x01";
    REFUSED(properties.len, 1, "properties: ");
    message.properties = (pmqtt_properties){"\x23\0\1", 3};
    REFUSED(retain, true, "topic alias: the library assigns it");
    message.properties = (pmqtt_properties){"\x18\0\0\0\1", 5};
    REFUSED(retain, true, "does not belong in the packet");
    message.properties = (pmqtt_properties){"\x03\0\1a", 4};
    REFUSED(content_type, "b", "content_type and properties both have the content type");
    message.properties = (pmqtt_properties){"\x02\0\0\0\1", 5};
    REFUSED(expiry_s, 1, "expiry_s and properties both have the message expiry interval");
    check_last_error(client, "it is message 0");
    message.properties = (pmqtt_properties){NULL, 0};

    FAILS(pmqtt_publish_message(client, NULL, &mid), PMQTT_ERR_INVAL, client, "publication is NULL");
    CHECK_INT(mid, 12345);
    CHECK_INT(client_stats(client).unsettled, 0);

    step("long properties, which are no error");
    memset(text, 'a', LONG);
    text[60000] = '\0';
    pmqtt_property_add_pair(&writer, "name", text);
    CHECK_OK(pmqtt_property_finish(&writer, &message.properties));
    for (i = 1; i <= 3; i++)
        CHECK_RC(pmqtt_publish_message(client, &message, &mid), PMQTT_ERR_NO_CONN);
    CHECK_INT(mid, 3);
    CHECK(client_stats(client).queued_bytes > 3 * 60000);
    pmqtt_client_free(client);
}

/* Before MQTT 5, only the expiry and the tag are for each client. */
static void earlier_versions(void)
{
    struct side side = {.rc = 0};
    pmqtt_client *client = recorded_client(NULL, &side.record);
    pmqtt_publication message = {PMQTT_PUBLICATION_INIT, .topic = "a", .qos = 1, .expiry_s = 50, .tag = 7};
    loop loop;
    uint64_t mid;

    step("a client of MQTT 3.1.1");
    CHECK_OK(pmqtt_on_publish_set(client, on_publish));
#define ONLY_MQTT5(field, value, name)                                                                    \
    do {                                                                                                  \
        pmqtt_publication more = message;                                                                 \
                                                                                                          \
        more.field = value;                                                                               \
        FAILS(pmqtt_publish_message(client, &more, &mid), PMQTT_ERR_NOT_SUPPORTED, client, name " is for MQTT 5"); \
    } while (0)
    ONLY_MQTT5(content_type, "", "content_type");
    ONLY_MQTT5(response_topic, "a", "response_topic");
    ONLY_MQTT5(correlation, "", "correlation");
    ONLY_MQTT5(payload_is_utf8, true, "payload_is_utf8");
    message.user_properties = USER;
    ONLY_MQTT5(user_property_count, 1, "user_properties");
    message.properties.data = "\x01\1";
    ONLY_MQTT5(properties.len, 2, "properties");
    CHECK_INT(client_stats(client).unsettled, 0);

    loop_begin(&loop, &STEP_LOOP);
    connect_to(&loop, client, &side);
    CHECK_OK(pmqtt_publish_message(client, &message, &mid));
    RUN_UNTIL(&loop, tally_get(&side.record.published) == 1);
    CHECK_INT(side.tag, 7);
    CHECK_INT(side.reason, -1);
    loop_end(&loop);
    client_free(client);
}

/* Each outcome gives the tag back, once. */
static void tags(void)
{
    struct side side;
    pmqtt_client *client = client_of_mqtt5(&side);
    pmqtt_publication message = {PMQTT_PUBLICATION_INIT, .topic = "a", .tag = 1};
    loop loop;
    uint64_t mid;

    step("tags");
    loop_begin(&loop, &STEP_LOOP);
    loop_add(&loop, client);
    CHECK_RC(pmqtt_publish_message(client, &message, NULL), PMQTT_ERR_NO_CONN); /* dropped */
    message.qos = 1;
    message.tag = 2;
    CHECK_RC(pmqtt_publish_message(client, &message, &mid), PMQTT_ERR_NO_CONN);
    CHECK_OK(pmqtt_cancel(client, mid));
    RUN_UNTIL(&loop, tally_get(&side.record.published) == 1);
    CHECK_INT(side.rc, PMQTT_ERR_CANCELLED);
    CHECK_INT(side.tag, 2);
    message.tag = 3;
    message.expiry_s = 1;
    CHECK_RC(pmqtt_publish_message(client, &message, NULL), PMQTT_ERR_NO_CONN);
    RUN_UNTIL(&loop, tally_get(&side.record.published) == 2);
    CHECK_INT(side.rc, PMQTT_ERR_EXPIRED);
    CHECK_INT(side.tag, 3);
    CHECK_RC(pmqtt_publish(client, "a", NULL, 0, 1, false, &mid), PMQTT_ERR_NO_CONN);
    CHECK_OK(pmqtt_cancel(client, mid));
    RUN_UNTIL(&loop, tally_get(&side.record.published) == 3);
    CHECK_INT(side.tag, 0);
    loop_end(&loop);
    pmqtt_client_free(client);
}

int main(void)
{
    watchdog(200);
    broker_start();
    round_trip();
    refusals();
    earlier_versions();
    tags();
    return 0;
}
