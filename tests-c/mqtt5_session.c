/* A client of MQTT 5 with a real broker: what it asks for and what the broker agrees to, subscriptions with callbacks of
 * their own, subscribing again when the broker has lost the session, and leaving with the will. */
#include <string.h>

#include "broker.h"
#include "loops.h"
#include "record.h"

/* The callback of a subscription. */
struct listener {
    tally messages, released;
};

static void on_message(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    struct listener *self = userdata;

    (void)client;
    CHECK(event->topic_len > 0);
    tally_add(&self->messages);
}

static void on_release(void *userdata)
{
    struct listener *self = userdata;

    tally_add(&self->released);
}

static pmqtt_subscription subscription(const char *filter, struct listener *listener)
{
    return (pmqtt_subscription){.struct_size = sizeof(pmqtt_subscription), .filter = filter, .qos = 1,
                                .callback = on_message, .userdata = listener, .release = on_release};
}

static pmqtt_client *client_of_mqtt5(loop *loop, const pmqtt_connect_options *options, record *seen)
{
    pmqtt_client *client = client_new_as(NULL, true, PMQTT_PROTOCOL_V5, seen);

    record_events(client);
    CHECK_OK(pmqtt_connect_options_set(client, options));
    CHECK_OK(pmqtt_connect_async(client, BROKER_HOST, broker_port(), 60, NULL));
    loop_add(loop, client);
    RUN_UNTIL(loop, tally_get(&seen->connects) == 1);
    return client;
}

static void agreement(pmqtt_client *client)
{
    pmqtt_negotiated with = {.struct_size = sizeof with};
    char text[8];

    step("what both sides agree to");
    CHECK_OK(pmqtt_negotiated_get(client, &with));
    CHECK_INT(with.version, PMQTT_PROTOCOL_V5);
    CHECK_INT(with.session_expiry_s, 60);
    CHECK_INT(with.maximum_qos, 2);
    CHECK(with.receive_maximum > 0 && with.maximum_packet_size > 0);
    CHECK(with.retain_available && with.wildcard_available && with.shared_available);
    CHECK_RC(pmqtt_negotiated_text(client, PMQTT_PROP_RESPONSE_INFORMATION, text, sizeof text), PMQTT_ERR_NOT_FOUND);
    /* Not the one that the library has generated. */
    CHECK(strncmp(pmqtt_client_id(client), "pmqtt-", 6) != 0);
}

static void publish(pmqtt_client *client, const char *topic)
{
    CHECK_OK(pmqtt_publish(client, topic, "x", 1, 1, false, NULL));
}

/* What the client publishes comes to one of its subscriptions, as the other one is without local messages. */
static void subscriptions(loop *loop, pmqtt_client *client, record *seen, struct listener listeners[2])
{
    pmqtt_subscription both[2];

    step("subscriptions with callbacks");
    both[0] = subscription("own/+", &listeners[0]);
    both[0].no_local = true;
    both[1] = subscription("any/+", &listeners[1]);
    CHECK_OK(pmqtt_subscribe_with(client, both, 2, NULL, NULL));
    RUN_UNTIL(loop, tally_get(&seen->subscribed) == 1);
    publish(client, "own/1");
    publish(client, "any/1");
    RUN_UNTIL(loop, tally_get(&listeners[1].messages) == 1);
    CHECK_INT(tally_get(&listeners[0].messages), 0);
}

/* The broker has saved nothing, so it has lost the session. */
static void broker_forgets(loop *loop, pmqtt_client *client, record *seen, struct listener listeners[2])
{
    char own[100];

    step("the broker has lost the session");
    CHECK(strlen(pmqtt_client_id(client)) < sizeof own);
    strcpy(own, pmqtt_client_id(client));
    broker_kill();
    broker_start();
    RUN_UNTIL(loop, tally_get(&seen->connects) == 2);
    CHECK_INT(tally_get(&seen->session_present), 0);
    CHECK_TEXT(pmqtt_client_id(client), own);
    publish(client, "own/2");
    publish(client, "any/2");
    RUN_UNTIL(loop, tally_get(&listeners[1].messages) == 2);
    CHECK_INT(tally_get(&listeners[0].messages), 0);
    CHECK_INT(tally_get(&seen->subscribed), 1);
}

/* In each version, the broker publishes the will of a client that leaves with 0x04. */
static void leave_with_will(loop *others, int protocol, struct listener *heir, loop *loop)
{
    const pmqtt_publication will = {PMQTT_PUBLICATION_INIT, .topic = "any/will", .payload = "x", .payload_len = 1};
    int messages = tally_get(&heir->messages);
    record seen = {0};
    pmqtt_client *client = client_new_as(NULL, true, protocol, &seen);

    record_events(client);
    CHECK_OK(pmqtt_will_with(client, &will, 0));
    CHECK_OK(pmqtt_connect_async(client, BROKER_HOST, broker_port(), 60, NULL));
    loop_add(others, client);
    RUN_UNTIL(others, tally_get(&seen.connects) == 1);
    CHECK_OK(pmqtt_disconnect_with(client, 0x04, NULL));
    RUN_UNTIL(others, tally_get(&seen.disconnects) == 1);
    CHECK_RC(tally_get(&seen.disconnect_rc), PMQTT_ERR_SUCCESS);
    RUN_UNTIL(loop, tally_get(&heir->messages) == messages + 1);
    loop_end(others);
    client_free(client);
}

int main(void)
{
    const pmqtt_connect_options options = {.struct_size = sizeof options, .clean_start = PMQTT_CLEAN_START_FIRST,
                                           .session_expiry_s = 60, .client_id_by_broker = true};
    const int protocols[] = {PMQTT_PROTOCOL_V5, PMQTT_PROTOCOL_V311};
    const char *filter = "any/+";
    struct listener listeners[2] = {0};
    record seen = {0};
    pmqtt_client *client;
    loop loop, others;
    size_t i;

    watchdog(120);
    broker_start();
    loop_begin(&loop, &EVENT_POLL_LOOP);
    client = client_of_mqtt5(&loop, &options, &seen);
    agreement(client);
    CHECK_OK(pmqtt_resubscribe_set(client, true));
    subscriptions(&loop, client, &seen, listeners);
    broker_forgets(&loop, client, &seen, listeners);
    step("with the will");
    for (i = 0; i < 2; i++) {
        loop_begin(&others, &STEP_LOOP);
        leave_with_will(&others, protocols[i], &listeners[1], &loop);
    }

    step("a callback ends with its subscription");
    CHECK_OK(pmqtt_unsubscribe_with(client, &filter, 1, NULL, NULL));
    CHECK_INT(tally_get(&listeners[1].released), 1);
    RUN_UNTIL(&loop, tally_get(&seen.unsubscribed) == 1);
    loop_end(&loop);
    client_free(client);
    CHECK_INT(tally_get(&listeners[0].released), 1);
    CHECK_INT(tally_get(&listeners[1].released), 1);
    return 0;
}
