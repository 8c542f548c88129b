/* Connecting, and what a broker keeps of a client that is away. */
#include "endpoint.h"
#include "suite.h"

static void accepted(void)
{
    endpoint *client = endpoint_new("a", CLEAN);

    endpoint_connect(client);
    CHECK(!tally_get(&client->record.session_present));
    endpoint_disconnect(client);
}

/* [MQTT311-3.2.2-1] [MQTT311-3.2.2-2] [MQTT311-3.2.2-3] */
static void session_present(void)
{
    endpoint *kept = endpoint_new("a", KEPT), *clean = endpoint_new("a", CLEAN), *again = endpoint_new("a", KEPT);

    step("the first connection with a session");
    endpoint_connect(kept);
    CHECK(!tally_get(&kept->record.session_present));
    endpoint_disconnect(kept);

    step("the second connection with a session");
    endpoint_connect(kept);
    CHECK(tally_get(&kept->record.session_present));
    endpoint_disconnect(kept);

    step("a connection with a clean session");
    endpoint_connect(clean);
    CHECK(!tally_get(&clean->record.session_present));
    endpoint_disconnect(clean);

    step("a session after a clean one");
    endpoint_connect(again);
    CHECK(!tally_get(&again->record.session_present));
}

/* [MQTT311-3.1.2-6] */
static void clean_session(void)
{
    const char *at = topic("t");
    endpoint *away = endpoint_new("a", CLEAN), *sender = endpoint_new("b", CLEAN);

    endpoint_connect(away);
    endpoint_connect(sender);
    endpoint_subscribe(away, at, 1);
    endpoint_disconnect(away);
    endpoint_say(sender, at, "while away", 1);
    endpoint_settle(sender);

    endpoint_connect(away);
    endpoint_say(sender, at, "not subscribed", 1);
    endpoint_settle(sender);
    endpoint_subscribe(away, at, 1);
    endpoint_say(sender, at, "subscribed", 1);
    endpoint_expect(away, at, "subscribed", 1);
}

/* [MQTT311-3.1.2-4] [MQTT311-3.1.2-5] [MQTT311-4.6.0-6] */
static void kept_session(void)
{
    enum { COUNT = 12 };
    const char *at = topic("t");
    endpoint *away = endpoint_new("a", KEPT), *sender = endpoint_new("b", CLEAN);
    int qos, number;

    endpoint_connect(sender);
    endpoint_connect(away);
    endpoint_subscribe(away, at, 2);
    for (qos = 1; qos <= 2; qos++) {
        endpoint_disconnect(away);
        for (number = 0; number < COUNT; number++)
            endpoint_say(sender, at, number_text(number), qos);
        endpoint_settle(sender);
        endpoint_connect(away);
        /* One more comes after them. */
        endpoint_say(sender, at, number_text(COUNT), qos);
        for (number = 0; number <= COUNT; number++) {
            step("message %d of QoS %d that came while the client was away", number, qos);
            endpoint_expect(away, at, number_text(number), qos);
        }
    }
}

/* It is sent for the first time [MQTT311-3.3.1-1] [MQTT311-3.3.1-3]. */
static void dup_of_kept_message(void)
{
    const char *at = topic("t");
    endpoint *away = endpoint_new("a", KEPT), *sender = endpoint_new("b", CLEAN);

    endpoint_connect(sender);
    endpoint_connect(away);
    endpoint_subscribe(away, at, 1);
    endpoint_disconnect(away);
    endpoint_say(sender, at, "while away", 1);
    endpoint_settle(sender);
    step("a message that came while the client was away");
    endpoint_connect(away);
    CHECK(!endpoint_take(away)->dup);
}

/* [MQTT311-3.1.4-2] */
static void takeover(void)
{
    const char *at = topic("t");
    endpoint *old = endpoint_new("a", CLEAN), *new = endpoint_new("a", CLEAN);

    endpoint_connect(old);
    endpoint_connect(new);
    step("the broker disconnects the old client");
    AWAIT(tally_get(&old->record.disconnects) == 1);
    step("the new client works");
    endpoint_subscribe(new, at, 1);
    endpoint_say(new, at, "mine", 1);
    endpoint_expect(new, at, "mine", 1);
    CHECK_INT(tally_get(&new->record.disconnects), 0);
}

/* The session moves to the new connection [MQTT311-3.1.2-4]. */
static void takeover_of_session(void)
{
    const char *at = topic("t");
    endpoint *old = endpoint_new("a", KEPT), *new = endpoint_new("a", KEPT), *sender = endpoint_new("b", CLEAN);

    endpoint_connect(old);
    endpoint_subscribe(old, at, 1);
    endpoint_connect(new);
    AWAIT(tally_get(&old->record.disconnects) == 1);
    endpoint_connect(sender);
    endpoint_say(sender, at, "to the new one", 1);
    endpoint_expect(new, at, "to the new one", 1);
}

/* scripts/brokers gives every broker this user: "bad user name or password" or "not authorised" is the
 * answer to any other password. */
static void refused_credentials(void)
{
    enum { BAD_USER_NAME_OR_PASSWORD = 0x86, NOT_AUTHORISED = 0x87 };
    endpoint *client = endpoint_new("a", CLEAN);
    int reason;

    step("a wrong password");
    CHECK_OK(pmqtt_username_pw_set(client->client, "user", "wrong"));
    endpoint_try(client, KEEP_ALIVE_S);
    reason = tally_get(&client->record.connect_reason);
    if (reason != BAD_USER_NAME_OR_PASSWORD)
        CHECK_INT(reason, NOT_AUTHORISED);

    step("the right password");
    CHECK_OK(pmqtt_username_pw_set(client->client, "user", "right"));
    endpoint_connect(client);
}

/* [MQTT311-3.12.4-1] */
static void keep_alive(void)
{
    endpoint *client = endpoint_new("a", CLEAN);

    endpoint_try(client, 2);
    AWAIT(wire_count(client->wire, TO_CLIENT, PINGRESP) >= 3);
    CHECK_INT(tally_get(&client->record.disconnects), 0);
}

/* The broker disconnects a client that is silent for one and a half times the keep alive
 * [MQTT311-3.1.2-24]. */
static void keep_alive_of_silent_client(void)
{
    endpoint *client = endpoint_new("a", CLEAN);

    endpoint_try(client, 2);
    wire_lose(client->wire, TO_BROKER, PINGREQ);
    AWAIT(!wire_is_open(client->wire));
}

const test_case SESSION_CASES[] = {
    {"accepted", accepted, 0},
    {"session_present", session_present, PMQTT_PROTOCOL_V311},
    {"clean_session", clean_session, 0},
    {"kept_session", kept_session, 0},
    {"dup_of_kept_message", dup_of_kept_message, 0},
    {"takeover", takeover, 0},
    {"takeover_of_session", takeover_of_session, 0},
    {"refused_credentials", refused_credentials, 0},
    {"keep_alive", keep_alive, 0},
    {"keep_alive_of_silent_client", keep_alive_of_silent_client, 0},
    {NULL, NULL, 0},
};
