#include "record.h"

#include "check.h"

static void on_connect(pmqtt_client *client, void *userdata, const pmqtt_connected *event)
{
    record *seen = userdata;

    (void)client;
    tally_set(&seen->session_present, event->session_present);
    tally_set(&seen->connect_reason, event->reason);
    tally_add(event->rc == 0 ? &seen->connects : &seen->refusals);
}

static void on_connect_fail(pmqtt_client *client, void *userdata, const pmqtt_connect_failed *event)
{
    record *seen = userdata;

    (void)client;
    tally_set(&seen->connect_fail_rc, event->rc);
    tally_add(&seen->connect_fails);
}

static void on_disconnect(pmqtt_client *client, void *userdata, const pmqtt_disconnected *event)
{
    record *seen = userdata;

    (void)client;
    tally_set(&seen->disconnect_rc, event->rc);
    tally_add(&seen->disconnects);
}

static void on_message(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    record *seen = userdata;

    (void)client;
    (void)event;
    tally_add(&seen->messages);
}

static void on_publish(pmqtt_client *client, void *userdata, const pmqtt_published *event)
{
    record *seen = userdata;

    (void)client;
    tally_set(&seen->publish_rc, event->rc);
    tally_add(&seen->published);
}

static void on_subscribe(pmqtt_client *client, void *userdata, const pmqtt_subscribed *event)
{
    record *seen = userdata;

    (void)client;
    if (event->granted_qos_count > 0)
        tally_set(&seen->granted_qos, event->granted_qos[event->granted_qos_count - 1]);
    tally_add(&seen->subscribed);
}

static void on_unsubscribe(pmqtt_client *client, void *userdata, const pmqtt_unsubscribed *event)
{
    record *seen = userdata;

    (void)client;
    (void)event;
    tally_add(&seen->unsubscribed);
}

static void on_writable(pmqtt_client *client, void *userdata, const pmqtt_writable *event)
{
    record *seen = userdata;

    (void)client;
    (void)event;
    tally_add(&seen->writable);
}

static void on_drained(pmqtt_client *client, void *userdata, const pmqtt_drained *event)
{
    record *seen = userdata;

    (void)client;
    tally_set(&seen->last_mid, (int)event->last_mid);
    tally_add(&seen->drained);
}

pmqtt_client *recorded_client(const char *id, record *into)
{
    pmqtt_client *client = client_new(id, into);

    record_events(client);
    return client;
}

void record_events(pmqtt_client *client)
{
    CHECK_OK(pmqtt_on_connect_set(client, on_connect));
    CHECK_OK(pmqtt_on_connect_fail_set(client, on_connect_fail));
    CHECK_OK(pmqtt_on_disconnect_set(client, on_disconnect));
    CHECK_OK(pmqtt_on_message_set(client, on_message));
    CHECK_OK(pmqtt_on_publish_set(client, on_publish));
    CHECK_OK(pmqtt_on_subscribe_set(client, on_subscribe));
    CHECK_OK(pmqtt_on_unsubscribe_set(client, on_unsubscribe));
    CHECK_OK(pmqtt_on_writable_set(client, on_writable));
    CHECK_OK(pmqtt_on_drained_set(client, on_drained));
}
