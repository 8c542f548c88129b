/* The properties of messages, which the broker passes on unaltered. */
#include <stdlib.h>
#include <string.h>

#include "endpoint.h"
#include "suite.h"

enum { CORRELATION = 65535 };

static void connect_pair(endpoint **sender, endpoint **receiver)
{
    *sender = endpoint_new("a", CLEAN);
    *receiver = endpoint_new("b", CLEAN);
    endpoint_connect(*sender);
    endpoint_connect(*receiver);
    endpoint_subscribe(*receiver, topic("t"), 2);
}

static void expect_bytes(const message *message, int id, const void *bytes, size_t length)
{
    pmqtt_property property;

    step("%s", pmqtt_property_name(id));
    CHECK(pmqtt_property_find(&message->properties, id, &property));
    CHECK_INT(property.value_len, length);
    CHECK(memcmp(property.value, bytes, length) == 0);
}

static void expect_number(const message *message, int id, uint32_t number)
{
    pmqtt_property property;

    step("%s", pmqtt_property_name(id));
    CHECK(pmqtt_property_find(&message->properties, id, &property));
    CHECK_INT(property.number, number);
}

/* The user properties of a message are these, in this order. */
static void expect_pairs(const message *message, const pmqtt_pair *pairs, size_t count)
{
    pmqtt_property property;
    size_t position = 0, number = 0;

    while (pmqtt_property_next(&message->properties, &position, &property)) {
        if (property.id != PMQTT_PROP_USER_PROPERTY)
            continue;
        step("user property %zu", number);
        CHECK(number < count);
        CHECK_INT(property.name_len, strlen(pairs[number].name));
        CHECK(memcmp(property.name, pairs[number].name, property.name_len) == 0);
        CHECK_INT(property.value_len, strlen(pairs[number].value));
        CHECK(memcmp(property.value, pairs[number].value, property.value_len) == 0);
        number++;
    }
    CHECK_INT(number, count);
}

/* [MQTT5-3.3.2-4] [MQTT5-3.3.2-15] [MQTT5-3.3.2-16] [MQTT5-3.3.2-20] */
static void property_fields(void)
{
    static const pmqtt_pair PAIRS[] = {
        {"b", "1"}, {"a", "2"}, {"b", "1"}, {"b", "3"}, {"", "no name"}, {"no value", ""}, {"", ""},
        {"\xc3\xbc\xe6\x97\xa5", "\xf0\x9f\x98\x80"},
    };
    enum { COUNT = sizeof PAIRS / sizeof *PAIRS };
    endpoint *sender, *receiver;
    const message *message;
    int qos;

    connect_pair(&sender, &receiver);
    for (qos = 0; qos <= 2; qos++) {
        pmqtt_publication all = {
            PMQTT_PUBLICATION_INIT, .topic = topic("t"), .payload = "{}", .payload_len = 2, .qos = qos,
            .content_type = "application/json; \xc3\xbc", .response_topic = topic("answer"), .correlation = "\0\xff\1",
            .correlation_len = 3, .payload_is_utf8 = true, .user_properties = PAIRS, .user_property_count = COUNT,
        };

        endpoint_send(sender, &all);
        message = endpoint_take(receiver);
        CHECK_TEXT(message->payload, "{}");
        CHECK_INT(message->qos, qos);
        expect_bytes(message, PMQTT_PROP_CONTENT_TYPE, all.content_type, strlen(all.content_type));
        expect_bytes(message, PMQTT_PROP_RESPONSE_TOPIC, all.response_topic, strlen(all.response_topic));
        expect_bytes(message, PMQTT_PROP_CORRELATION_DATA, "\0\xff\1", 3);
        expect_number(message, PMQTT_PROP_PAYLOAD_FORMAT_INDICATOR, 1);
        expect_pairs(message, PAIRS, COUNT);
        endpoint_settle(sender);
    }
}

/* An empty text is another thing than none. */
static void property_empty_texts(void)
{
    endpoint *sender, *receiver;
    const message *message;
    pmqtt_property property;
    pmqtt_publication empty = {
        PMQTT_PUBLICATION_INIT, .topic = topic("t"), .qos = 1, .content_type = "", .correlation = "",
    };
    pmqtt_publication none = {PMQTT_PUBLICATION_INIT, .topic = topic("t"), .qos = 1};

    connect_pair(&sender, &receiver);
    endpoint_send(sender, &empty);
    message = endpoint_take(receiver);
    expect_bytes(message, PMQTT_PROP_CONTENT_TYPE, "", 0);
    expect_bytes(message, PMQTT_PROP_CORRELATION_DATA, "", 0);
    step("none");
    endpoint_send(sender, &none);
    message = endpoint_take(receiver);
    CHECK(!pmqtt_property_find(&message->properties, PMQTT_PROP_CONTENT_TYPE, &property));
    CHECK(!pmqtt_property_find(&message->properties, PMQTT_PROP_CORRELATION_DATA, &property));
    CHECK(!pmqtt_property_find(&message->properties, PMQTT_PROP_PAYLOAD_FORMAT_INDICATOR, &property));
}

/* The largest that fits into a property. */
static void property_large_correlation(void)
{
    endpoint *sender, *receiver;
    unsigned char *correlation = malloc(CORRELATION);
    pmqtt_publication large = {
        PMQTT_PUBLICATION_INIT, .topic = topic("t"), .qos = 1, .correlation = correlation,
        .correlation_len = CORRELATION,
    };
    int i;

    CHECK(correlation != NULL);
    for (i = 0; i < CORRELATION; i++)
        correlation[i] = (unsigned char)(i * 7);
    connect_pair(&sender, &receiver);
    endpoint_send(sender, &large);
    expect_bytes(endpoint_take(receiver), PMQTT_PROP_CORRELATION_DATA, correlation, CORRELATION);
    free(correlation);
}

/* A received list is published as it is, and a written list joins the fields. */
static void property_lists(void)
{
    static const pmqtt_pair PAIRS[] = {{"one", "1"}, {"two", "2"}};
    endpoint *sender, *receiver;
    char room[100];
    pmqtt_property_writer writer = PMQTT_PROPERTY_WRITER(room);
    pmqtt_publication first = {
        PMQTT_PUBLICATION_INIT, .topic = topic("t"), .qos = 1, .payload = "first", .payload_len = 5, .expiry_s = 1000,
        .user_properties = PAIRS, .user_property_count = 1,
    };
    pmqtt_publication again = {
        PMQTT_PUBLICATION_INIT, .topic = topic("t"), .qos = 1, .payload = "again", .payload_len = 5,
    };
    const message *message;

    connect_pair(&sender, &receiver);
    pmqtt_property_add_pair(&writer, "two", "2");
    pmqtt_property_add_bytes(&writer, PMQTT_PROP_CONTENT_TYPE, "text/plain", 10);
    CHECK_OK(pmqtt_property_finish(&writer, &first.properties));
    endpoint_send(sender, &first);
    message = endpoint_take(receiver);
    CHECK_TEXT(message->payload, "first");
    expect_pairs(message, PAIRS, 2);
    expect_bytes(message, PMQTT_PROP_CONTENT_TYPE, "text/plain", 10);

    again.properties = message->properties;
    endpoint_send(sender, &again);
    message = endpoint_take(receiver);
    CHECK_TEXT(message->payload, "again");
    expect_pairs(message, PAIRS, 2);
    expect_bytes(message, PMQTT_PROP_CONTENT_TYPE, "text/plain", 10);
}

/* The properties of a retained message are kept with it. */
static void property_retained(void)
{
    static const pmqtt_pair PAIR = {"site", "north"};
    endpoint *sender = endpoint_new("a", CLEAN), *receiver = endpoint_new("b", CLEAN);
    const message *message;
    pmqtt_publication retained = {
        PMQTT_PUBLICATION_INIT, .topic = topic("t"), .qos = 1, .retain = true, .payload = "kept", .payload_len = 4,
        .content_type = "text/plain", .user_properties = &PAIR, .user_property_count = 1,
    };

    endpoint_connect(sender);
    endpoint_send(sender, &retained);
    endpoint_settle(sender);
    endpoint_connect(receiver);
    endpoint_subscribe(receiver, topic("t"), 1);
    message = endpoint_take(receiver);
    CHECK(message->retain);
    expect_bytes(message, PMQTT_PROP_CONTENT_TYPE, "text/plain", 10);
    expect_pairs(message, &PAIR, 1);
}

const test_case PROPERTY_CASES[] = {
    {"property_fields", property_fields, PMQTT_PROTOCOL_V5},
    {"property_empty_texts", property_empty_texts, PMQTT_PROTOCOL_V5},
    {"property_large_correlation", property_large_correlation, PMQTT_PROTOCOL_V5},
    {"property_lists", property_lists, PMQTT_PROTOCOL_V5},
    {"property_retained", property_retained, PMQTT_PROTOCOL_V5},
    {NULL, NULL, 0},
};
