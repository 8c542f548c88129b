/* What a broker does not accept, and what the client does not. */
#include <stdlib.h>
#include <string.h>

#include "endpoint.h"
#include "suite.h"

/* Of the limited broker, see scripts/brokers. */
enum { RECEIVE_MAXIMUM = 3, PACKET_SIZE = 2000, LIMITED_KEEP_ALIVE_S = 10 };

enum { PACKET_TOO_LARGE = 0x95, RETAIN_NOT_SUPPORTED = 0x9a, QOS_NOT_SUPPORTED = 0x9b };

static endpoint *limited(const char *name, session session)
{
    endpoint *self = endpoint_new(name, session);

    endpoint_turn_to_limited(self);
    return self;
}

static pmqtt_publication publication(const char *at, const void *payload, size_t length, int qos, bool retain)
{
    pmqtt_publication new = {
        PMQTT_PUBLICATION_INIT, .topic = at, .payload = payload, .payload_len = length, .qos = qos, .retain = retain,
    };

    return new;
}

static void limits_told(void)
{
    endpoint *client = limited("a", CLEAN);
    pmqtt_negotiated now = {.struct_size = sizeof now};

    endpoint_connect(client);
    CHECK_OK(pmqtt_negotiated_get(client->client, &now));
    CHECK_INT(now.version, PMQTT_PROTOCOL_V5);
    CHECK_INT(now.receive_maximum, RECEIVE_MAXIMUM);
    CHECK_INT(now.maximum_packet_size, PACKET_SIZE);
    CHECK_INT(now.maximum_qos, 1);
    CHECK(!now.retain_available);
    CHECK_INT(now.topic_alias_maximum, 0);
    CHECK_INT(now.keep_alive_s, LIMITED_KEEP_ALIVE_S);
}

/* The client sends nothing that the broker does not accept [MQTT5-3.2.2-11] [MQTT5-3.2.2-14] [MQTT5-3.2.2-15]. */
static void limits_of_publish(void)
{
    static const char LARGE[PACKET_SIZE];
    const char *at = topic("t");
    endpoint *client = limited("a", CLEAN);
    size_t fits = PACKET_SIZE - 3 - 2 - strlen(at) - 2 - 1;
    pmqtt_publication qos2 = publication(at, "2", 1, 2, false), retained = publication(at, "r", 1, 1, true),
                      large = publication(at, LARGE, fits + 1, 1, false),
                      largest = publication(at, LARGE, fits, 1, false);

    endpoint_connect(client);
    endpoint_subscribe(client, at, 1);
    CHECK_RC(pmqtt_publish_message(client->client, &qos2, NULL), PMQTT_ERR_NOT_SUPPORTED);
    CHECK_RC(pmqtt_publish_message(client->client, &retained, NULL), PMQTT_ERR_NOT_SUPPORTED);
    CHECK_RC(pmqtt_publish_message(client->client, &large, NULL), PMQTT_ERR_PAYLOAD_SIZE);
    endpoint_send(client, &largest);
    CHECK_INT(endpoint_take(client)->payload_len, fits);
    endpoint_settle(client);
    CHECK_INT(wire_count(client->wire, TO_BROKER, PUBLISH), 1);
    CHECK_INT(tally_get(&client->record.disconnects), 0);
}

/* Requests that the broker does not accept are refused at once, and acknowledgements and DISCONNECT go without
 * their properties [MQTT5-3.2.2-15] [MQTT5-3.4.2-2] [MQTT5-3.14.2-3]. */
static void limits_of_requests(void)
{
    static char filter[PACKET_SIZE], room[PACKET_SIZE + 100];
    static char text[PACKET_SIZE];
    pmqtt_property_writer writer = PMQTT_PROPERTY_WRITER(room);
    pmqtt_properties large;
    const char *large_filter = filter;
    pmqtt_subscription subscription = {.struct_size = sizeof subscription, .filter = filter, .qos = 1};
    endpoint *client = limited("a", KEPT), *sender = limited("b", CLEAN);

    memset(filter, 'f', sizeof filter - 1);
    memset(text, 'x', sizeof text);
    pmqtt_property_add_bytes(&writer, PMQTT_PROP_REASON_STRING, text, sizeof text);
    pmqtt_property_add_pair(&writer, "name", "value");
    CHECK_OK(pmqtt_property_finish(&writer, &large));
    CHECK_OK(pmqtt_manual_ack_set(client->client, PMQTT_ACK_IN_ORDER));
    endpoint_connect(client);
    endpoint_connect(sender);
    CHECK_RC(pmqtt_subscribe(client->client, filter, 1, NULL), PMQTT_ERR_PAYLOAD_SIZE);
    CHECK_RC(pmqtt_subscribe_with(client->client, &subscription, 1, NULL, NULL), PMQTT_ERR_PAYLOAD_SIZE);
    CHECK_RC(pmqtt_unsubscribe(client->client, filter, NULL), PMQTT_ERR_PAYLOAD_SIZE);
    CHECK_RC(pmqtt_unsubscribe_with(client->client, &large_filter, 1, NULL, NULL), PMQTT_ERR_PAYLOAD_SIZE);
    endpoint_subscribe(client, topic("t"), 1);
    endpoint_say(sender, topic("t"), "text", 1);
    endpoint_expect(client, topic("t"), "text", 1);
    CHECK_OK(pmqtt_ack_with(client->client, client->inbox[0].mid, 1, PACKET_TOO_LARGE + 2, &large));
    AWAIT(wire_count(client->wire, TO_BROKER, PUBACK) == 1);
    CHECK_INT(wire_bytes(client->wire, TO_BROKER, PUBACK), 5);
    endpoint_subscribe(client, topic("u"), 1);
    CHECK_INT(tally_get(&client->record.disconnects), 0);
    CHECK_OK(pmqtt_disconnect_with(client->client, PACKET_TOO_LARGE, &large));
    AWAIT(!wire_is_open(client->wire));
    CHECK_INT(wire_bytes(client->wire, TO_BROKER, DISCONNECT), 3);
}

/* What waits for a connection, and then gets one to a broker that does not accept it, has one outcome. */
static void limits_of_queue(void)
{
    enum { PLAIN = 50 };
    static const char LARGE[PACKET_SIZE];
    static char text[PACKET_SIZE];
    const pmqtt_pair pair = {"name", text};
    const char *at = topic("t");
    endpoint *client = endpoint_new("a", KEPT), *receiver = limited("b", CLEAN);
    pmqtt_publication qos2 = publication(at, "2", 1, 2, false), retained = publication(at, "r", 1, 1, true),
                      large = publication(at, LARGE, sizeof LARGE, 1, false), pairs = publication(at, "p", 1, 1, false);
    uint64_t mids[4] = {0};
    int number;

    memset(text, 'x', sizeof text - 1);
    pairs.user_properties = &pair;
    pairs.user_property_count = 1;
    endpoint_connect(receiver);
    endpoint_subscribe(receiver, at, 1);
    endpoint_connect(client);
    endpoint_cut(client);
    for (number = 0; number < PLAIN; number++) {
        pmqtt_publication plain;

        if (number == 10)
            mids[0] = endpoint_send(client, &qos2);
        if (number == 20)
            mids[1] = endpoint_send(client, &retained);
        if (number == 30)
            mids[2] = endpoint_send(client, &large);
        if (number == 40)
            mids[3] = endpoint_send(client, &pairs);
        plain = publication(at, number_text(number), strlen(number_text(number)), 1, false);
        endpoint_send(client, &plain);
    }
    endpoint_turn_to_limited(client);
    endpoint_connect(client);
    for (number = 0; number < PLAIN; number++)
        endpoint_expect(receiver, at, number_text(number), 1);
    AWAIT(client_stats(client->client).unsettled == 0);
    CHECK_INT(endpoint_outcome(client, mids[0]).reason, QOS_NOT_SUPPORTED);
    CHECK_INT(endpoint_outcome(client, mids[1]).reason, RETAIN_NOT_SUPPORTED);
    CHECK_INT(endpoint_outcome(client, mids[2]).reason, PACKET_TOO_LARGE);
    CHECK_INT(endpoint_outcome(client, mids[3]).reason, PACKET_TOO_LARGE);
    CHECK_INT(endpoint_count(client, PMQTT_ERR_REJECTED), 4);
    CHECK_INT(endpoint_count(client, PMQTT_ERR_SUCCESS), PLAIN);
    CHECK_INT(client->outcome_count, PLAIN + 4);
    CHECK_INT(wire_count(client->wire, TO_BROKER, PUBLISH), PLAIN);
    CHECK_INT(tally_get(&client->record.disconnects), 1);
}

/* A message of QoS 2 in the handshake, a retained and a large one in flight, when the next broker accepts none of
 * them. */
static void limits_of_flight(void)
{
    static const char LARGE[PACKET_SIZE];
    const char *at = topic("t");
    endpoint *client = endpoint_new("a", KEPT);
    pmqtt_publication qos2 = publication(at, "2", 1, 2, false), retained = publication(at, "r", 1, 1, true),
                      large = publication(at, LARGE, sizeof LARGE, 1, false), plain = publication(at, "p", 1, 1, false);
    uint64_t mids[4];

    endpoint_connect(client);
    wire_lose(client->wire, TO_BROKER, PUBLISH);
    mids[0] = endpoint_send(client, &qos2);
    mids[1] = endpoint_send(client, &retained);
    mids[2] = endpoint_send(client, &large);
    mids[3] = endpoint_send(client, &plain);
    AWAIT(wire_count(client->wire, TO_BROKER, PUBLISH) == 4);
    endpoint_cut(client);
    endpoint_turn_to_limited(client);
    endpoint_connect(client);
    CHECK_INT(endpoint_outcome(client, mids[0]).reason, QOS_NOT_SUPPORTED);
    CHECK_INT(endpoint_outcome(client, mids[1]).reason, RETAIN_NOT_SUPPORTED);
    CHECK_INT(endpoint_outcome(client, mids[2]).reason, PACKET_TOO_LARGE);
    CHECK_RC(endpoint_outcome(client, mids[3]).rc, PMQTT_ERR_SUCCESS);
    CHECK_INT(client->outcome_count, 4);
    CHECK_INT(wire_count(client->wire, TO_BROKER, PUBLISH), 5);
    CHECK_INT(tally_get(&client->record.disconnects), 1);
}

/* The client has no more in flight than the broker accepts [MQTT5-3.3.4-7], and still sends others
 * [MQTT5-3.3.4-8]. */
static void receive_maximum_of_broker(void)
{
    enum { COUNT = 100 };
    const char *at = topic("t");
    endpoint *client = limited("a", KEPT), *receiver = limited("b", CLEAN);
    int number;

    endpoint_connect(receiver);
    endpoint_subscribe(receiver, at, 1);
    endpoint_connect(client);
    wire_lose(client->wire, TO_CLIENT, PUBACK);
    for (number = 0; number < COUNT; number++)
        endpoint_say(client, at, number_text(number), 1);
    AWAIT(wire_count(client->wire, TO_CLIENT, PUBACK) == RECEIVE_MAXIMUM);
    endpoint_subscribe(client, topic("other"), 0);
    CHECK_INT(wire_count(client->wire, TO_BROKER, PUBLISH), RECEIVE_MAXIMUM);
    step("after the reconnect");
    endpoint_cut(client);
    endpoint_connect(client);
    endpoint_settle(client);
    CHECK_INT(wire_count(client->wire, TO_BROKER, PUBLISH), RECEIVE_MAXIMUM + COUNT);
    CHECK_INT(tally_get(&client->record.disconnects), 1);
}

/* Waits for the answer to a message, so that what the broker has sent before it is here. */
static void pass_marker(endpoint *client)
{
    endpoint_say(client, topic("nobody"), "marker", 1);
    endpoint_settle(client);
}

/* The broker has no more in flight than the client accepts [MQTT5-3.3.4-9]. */
static void receive_maximum_of_client(int qos)
{
    enum { COUNT = 20, MOST = 2 };
    const char *at = topic("t");
    endpoint *sender = endpoint_new("a", CLEAN), *receiver = endpoint_new("b", CLEAN);
    pmqtt_connect_options options = endpoint_options();
    int number;

    options.receive_maximum = MOST;
    CHECK_OK(pmqtt_connect_options_set(receiver->client, &options));
    CHECK_OK(pmqtt_manual_ack_set(receiver->client, PMQTT_ACK_IN_ORDER));
    endpoint_connect(receiver);
    endpoint_subscribe(receiver, at, qos);
    endpoint_connect(sender);
    for (number = 0; number < COUNT; number++)
        endpoint_say(sender, at, number_text(number), qos);
    endpoint_settle(sender);
    for (number = 0; number < COUNT; number++) {
        step("message %d", number);
        pass_marker(receiver);
        CHECK(receiver->received <= number + MOST);
        endpoint_expect(receiver, at, number_text(number), qos);
        CHECK_OK(pmqtt_ack(receiver->client, receiver->inbox[number].mid, qos));
    }
    CHECK_INT(tally_get(&receiver->record.disconnects), 0);
}

static void receive_maximum_qos1(void)
{
    receive_maximum_of_client(1);
}

static void receive_maximum_qos2(void)
{
    receive_maximum_of_client(2);
}

/* Identifiers of the client and of the broker are independent (section 2.2.1): the same one is in flight in both
 * directions. */
static void identifiers_of_both_sides(void)
{
    const char *at = topic("t");
    endpoint *sender = endpoint_new("a", CLEAN), *receiver = endpoint_new("b", CLEAN);

    CHECK_OK(pmqtt_manual_ack_set(receiver->client, PMQTT_ACK_IN_ORDER));
    endpoint_connect(receiver);
    endpoint_subscribe(receiver, at, 1);
    endpoint_connect(sender);
    endpoint_say(sender, at, "1", 1);
    endpoint_expect(receiver, at, "1", 1);
    CHECK_OK(pmqtt_ack(receiver->client, receiver->inbox[0].mid, 1));
    endpoint_say(sender, at, "2", 1);
    endpoint_expect(receiver, at, "2", 1);
    endpoint_subscribe(receiver, topic("other"), 0);
    pass_marker(receiver);
}

/* The client's receive maximum at QoS 2, as fast as it goes. */
static void receive_maximum_under_load(void)
{
    enum { LOAD = 2000, MOST = 5 };
    const char *at = topic("t");
    endpoint *sender = endpoint_new("a", CLEAN), *receiver = endpoint_new("b", CLEAN);
    pmqtt_connect_options options = endpoint_options();
    int number;

    options.receive_maximum = MOST;
    CHECK_OK(pmqtt_connect_options_set(receiver->client, &options));
    CHECK_OK(pmqtt_max_queued_messages_set(sender->client, 0));
    endpoint_connect(receiver);
    endpoint_subscribe(receiver, at, 2);
    endpoint_connect(sender);
    for (number = 0; number < LOAD; number++)
        endpoint_say(sender, at, number_text(number), 2);
    AWAIT(receiver->received == LOAD || tally_get(&receiver->record.disconnects) > 0);
    CHECK_INT(tally_get(&receiver->record.disconnects), 0);
    for (number = 0; number < LOAD; number++)
        endpoint_expect(receiver, at, number_text(number), 2);
    CHECK_INT(tally_get(&receiver->record.disconnects), 0);
}

/* The broker does not send what is too large for the client, but what follows [MQTT5-3.1.2-24] [MQTT5-3.1.2-25]. */
static void packet_size_of_client(void)
{
    enum { MOST = 1000 };
    static const char LARGE[MOST];
    const char *at = topic("t");
    endpoint *sender = endpoint_new("a", CLEAN), *receiver = endpoint_new("b", CLEAN);

    CHECK_OK(pmqtt_max_packet_size_set(receiver->client, MOST));
    endpoint_connect(receiver);
    endpoint_subscribe(receiver, at, 2);
    endpoint_connect(sender);
    endpoint_publish(sender, at, LARGE, sizeof LARGE, 1, false);
    endpoint_publish(sender, at, LARGE, sizeof LARGE, 2, false);
    endpoint_say(sender, at, "small", 1);
    endpoint_expect(receiver, at, "small", 1);
    CHECK_INT(tally_get(&receiver->record.disconnects), 0);
}

/* [MQTT5-3.1.2-21] [MQTT5-3.2.2-21] */
static void keep_alive_of_broker(void)
{
    endpoint *client = limited("a", CLEAN);

    endpoint_connect(client);
    AWAIT(wire_count(client->wire, TO_CLIENT, PINGRESP) == 1);
    CHECK_INT(tally_get(&client->record.disconnects), 0);
}

const test_case LIMIT_CASES[] = {
    {"limits_told", limits_told, PMQTT_PROTOCOL_V5},
    {"limits_of_publish", limits_of_publish, PMQTT_PROTOCOL_V5},
    {"limits_of_requests", limits_of_requests, PMQTT_PROTOCOL_V5},
    {"limits_of_queue", limits_of_queue, PMQTT_PROTOCOL_V5},
    {"limits_of_flight", limits_of_flight, PMQTT_PROTOCOL_V5},
    {"receive_maximum_of_broker", receive_maximum_of_broker, PMQTT_PROTOCOL_V5},
    {"receive_maximum_qos1", receive_maximum_qos1, PMQTT_PROTOCOL_V5},
    {"receive_maximum_qos2", receive_maximum_qos2, PMQTT_PROTOCOL_V5},
    {"identifiers_of_both_sides", identifiers_of_both_sides, 0},
    {"receive_maximum_under_load", receive_maximum_under_load, PMQTT_PROTOCOL_V5},
    {"packet_size_of_client", packet_size_of_client, PMQTT_PROTOCOL_V5},
    {"keep_alive_of_broker", keep_alive_of_broker, PMQTT_PROTOCOL_V5},
    {NULL, NULL, 0},
};
