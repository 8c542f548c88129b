/* How long a broker keeps a session, and whose it is. */
#include <string.h>

#include "endpoint.h"
#include "suite.h"
#include "wait.h"

static void set(endpoint *client, int clean_start, uint32_t session_expiry_s)
{
    pmqtt_connect_options options = endpoint_options();

    options.clean_start = clean_start;
    options.session_expiry_s = session_expiry_s;
    CHECK_OK(pmqtt_connect_options_set(client->client, &options));
}

static void pass_ms(long long ms)
{
    long long end = now_ms() + ms;

    AWAIT(now_ms() >= end);
}

static void expect_session(endpoint *client, bool present)
{
    endpoint_connect(client);
    CHECK_INT(tally_get(&client->record.session_present), present);
}

static uint32_t negotiated_expiry(endpoint *client)
{
    pmqtt_negotiated now = {.struct_size = sizeof now};

    CHECK_OK(pmqtt_negotiated_get(client->client, &now));
    return now.session_expiry_s;
}

/* Ends the connection with a session expiry of DISCONNECT. */
static void disconnect_with_expiry(endpoint *client, uint32_t session_expiry_s)
{
    int ends = tally_get(&client->record.disconnects);
    char room[16];
    pmqtt_property_writer writer = PMQTT_PROPERTY_WRITER(room);
    pmqtt_properties list;

    pmqtt_property_add_number(&writer, PMQTT_PROP_SESSION_EXPIRY_INTERVAL, session_expiry_s);
    CHECK_OK(pmqtt_property_finish(&writer, &list));
    CHECK_OK(pmqtt_disconnect_with(client->client, 0, &list));
    AWAIT(tally_get(&client->record.disconnects) > ends);
    AWAIT(!wire_is_open(client->wire));
}

/* 0 s: the session ends with the connection. */
static void session_expiry_none(void)
{
    endpoint *client = endpoint_new("a", CLEAN);

    set(client, PMQTT_CLEAN_START_NEVER, 0);
    expect_session(client, false);
    CHECK_INT(negotiated_expiry(client), 0);
    endpoint_disconnect(client);
    expect_session(client, false);
    endpoint_cut(client);
    expect_session(client, false);
}

/* [MQTT5-3.1.2-23] */
static void session_expiry_seconds(void)
{
    endpoint *client = endpoint_new("a", CLEAN);

    set(client, PMQTT_CLEAN_START_NEVER, 2);
    expect_session(client, false);
    CHECK_INT(negotiated_expiry(client), 2);
    step("at once");
    endpoint_disconnect(client);
    expect_session(client, true);
    step("at once, without DISCONNECT");
    endpoint_cut(client);
    expect_session(client, true);
    step("after 5 s");
    endpoint_disconnect(client);
    pass_ms(5000);
    expect_session(client, false);
}

static void session_expiry_never(void)
{
    endpoint *client = endpoint_new("a", KEPT);

    endpoint_connect(client);
    CHECK_INT(negotiated_expiry(client), UINT32_MAX);
    endpoint_disconnect(client);
    pass_ms(3000);
    expect_session(client, true);
}

/* DISCONNECT may end the session, and may let it live longer (section 3.14.2.2.2). */
static void session_expiry_of_disconnect(void)
{
    endpoint *client = endpoint_new("a", KEPT);

    endpoint_connect(client);
    step("ended");
    disconnect_with_expiry(client, 0);
    expect_session(client, false);

    step("longer");
    set(client, PMQTT_CLEAN_START_DEFAULT, 1);
    endpoint_disconnect(client);
    expect_session(client, true);
    CHECK_INT(negotiated_expiry(client), 1);
    disconnect_with_expiry(client, 60);
    pass_ms(4000);
    expect_session(client, true);
}

/* The first connection discards what an earlier process has left; later ones do not [MQTT5-3.1.2-4]. */
static void clean_start_first(void)
{
    const char *at = topic("t");
    endpoint *earlier = endpoint_new("a", KEPT), *client = endpoint_new("a", KEPT), *sender = endpoint_new("b", CLEAN);

    endpoint_connect(sender);
    endpoint_connect(earlier);
    endpoint_subscribe(earlier, at, 1);
    endpoint_disconnect(earlier);
    endpoint_say(sender, at, "for the earlier one", 1);
    endpoint_settle(sender);

    set(client, PMQTT_CLEAN_START_FIRST, 60);
    expect_session(client, false);
    endpoint_subscribe(client, at, 1);
    endpoint_cut(client);
    endpoint_say(sender, at, "for this one", 1);
    endpoint_settle(sender);
    expect_session(client, true);
    endpoint_expect(client, at, "for this one", 1);
}

/* [MQTT5-3.1.3-6] [MQTT5-3.1.3-7] [MQTT5-3.2.2-16] */
static void client_id_of_broker(void)
{
    endpoint *client = endpoint_new("a", KEPT);
    pmqtt_connect_options options = endpoint_options();
    char id[100];

    options.client_id_by_broker = true;
    CHECK_OK(pmqtt_connect_options_set(client->client, &options));
    expect_session(client, false);
    CHECK(strlen(pmqtt_client_id(client->client)) > 0 && strlen(pmqtt_client_id(client->client)) < sizeof id);
    CHECK(strcmp(pmqtt_client_id(client->client), client_id("a")) != 0);
    strcpy(id, pmqtt_client_id(client->client));
    step("identifier %s", id);
    endpoint_cut(client);
    expect_session(client, true);
    CHECK_TEXT(pmqtt_client_id(client->client), id);
}

const test_case SESSION_EXPIRY_CASES[] = {
    {"session_expiry_none", session_expiry_none, PMQTT_PROTOCOL_V5},
    {"session_expiry_seconds", session_expiry_seconds, PMQTT_PROTOCOL_V5},
    {"session_expiry_never", session_expiry_never, PMQTT_PROTOCOL_V5},
    {"session_expiry_of_disconnect", session_expiry_of_disconnect, PMQTT_PROTOCOL_V5},
    {"clean_start_first", clean_start_first, PMQTT_PROTOCOL_V5},
    {"client_id_of_broker", client_id_of_broker, PMQTT_PROTOCOL_V5},
    {NULL, NULL, 0},
};
