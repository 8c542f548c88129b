/* Callbacks for filters: each match is called, and on_message only if there is none. A callback may add and
 * remove filters. */
#include <stdio.h>
#include <string.h>

#include "broker.h"
#include "loops.h"
#include "record.h"

/* The callbacks that the last messages called, a letter each, in order. */
struct trace {
    record record;
    char text[32];
};

static void note(struct trace *self, char letter)
{
    size_t length = strlen(self->text);

    CHECK(length + 1 < sizeof self->text);
    self->text[length] = letter;
}

static void on_message(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    (void)client;
    (void)event;
    note(userdata, 'm');
}

static void on_a(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    (void)client;
    (void)event;
    note(userdata, 'a');
}

static void on_b(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    (void)client;
    (void)event;
    note(userdata, 'b');
}

static void on_c(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    (void)client;
    (void)event;
    note(userdata, 'c');
}

/* Removes itself and the next callback, and adds one after all others. */
static void on_change(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    (void)event;
    note(userdata, 'x');
    CHECK_OK(pmqtt_message_callback_remove(client, "f/+"));
    CHECK_OK(pmqtt_message_callback_remove(client, "f/change"));
    CHECK_OK(pmqtt_message_callback_add(client, "#", on_c));
}

/* Checks which callbacks a message to a topic calls. */
static void expect(loop *loop, struct trace *seen, const char *topic, const char *calls)
{
    int published = tally_get(&seen->record.published);
    pmqtt_client *client = loop->clients[0].client;

    step("%s calls %s", topic, calls);
    memset(seen->text, 0, sizeof seen->text);
    CHECK_OK(pmqtt_publish(client, topic, NULL, 0, 1, false, NULL));
    RUN_UNTIL(loop, tally_get(&seen->record.published) == published + 1 && seen->text[strlen(calls) - 1]);
    /* The answer to a request made from now on arrives after the message. */
    CHECK_OK(pmqtt_unsubscribe(client, "none", NULL));
    published = tally_get(&seen->record.unsubscribed);
    RUN_UNTIL(loop, tally_get(&seen->record.unsubscribed) == published + 1);
    CHECK_TEXT(seen->text, calls);
}

/* The group is missing or not valid, or the filter after it is missing. */
static const char *const NOT_SHARED[] = {"$share/", "$share/g", "$share/g/", "$share//x", "$share/g+/x"};

int main(void)
{
    struct trace seen;
    pmqtt_client *client;
    loop loop;
    size_t i;
    int before;

    watchdog(120);
    broker_start();
    memset(&seen, 0, sizeof seen);
    client = recorded_client(NULL, &seen.record);
    CHECK_OK(pmqtt_on_message_set(client, on_message));
    loop_begin(&loop, &STEP_LOOP);
    loop_add(&loop, client);
    CHECK_OK(pmqtt_connect(client, BROKER_HOST, broker_port(), 60, NULL));
    RUN_UNTIL(&loop, tally_get(&seen.record.connects) == 1);
    CHECK_OK(pmqtt_subscribe(client, "#", 1, NULL));
    RUN_UNTIL(&loop, tally_get(&seen.record.subscribed) == 1);

    expect(&loop, &seen, "f/1", "m");
    CHECK_OK(pmqtt_message_callback_add(client, "f/#", on_a));
    CHECK_OK(pmqtt_message_callback_add(client, "f/+", on_b));
    CHECK_OK(pmqtt_message_callback_add(client, "+/1", on_c));
    expect(&loop, &seen, "f/1", "abc");
    expect(&loop, &seen, "f/2", "ab");
    expect(&loop, &seen, "f", "a");
    expect(&loop, &seen, "g/1", "c");
    expect(&loop, &seen, "g/2", "m");

    /* Adding a filter again replaces its callback, in its old place. */
    CHECK_OK(pmqtt_message_callback_add(client, "f/#", on_c));
    expect(&loop, &seen, "f/1", "cbc");
    CHECK_OK(pmqtt_message_callback_remove(client, "+/1"));
    CHECK_RC(pmqtt_message_callback_remove(client, "+/1"), PMQTT_ERR_NOT_FOUND);
    expect(&loop, &seen, "f/1", "cb");
    CHECK_OK(pmqtt_message_callback_remove(client, "f/#"));

    CHECK_OK(pmqtt_message_callback_remove(client, "f/+"));
    CHECK_OK(pmqtt_message_callback_add(client, "f/change", on_change));
    CHECK_OK(pmqtt_message_callback_add(client, "f/+", on_b));
    expect(&loop, &seen, "f/change", "xc");
    expect(&loop, &seen, "f/change", "c");

    /* A message that meets no filter is not lost: on_message gets it, and it is acknowledged. */
    CHECK_OK(pmqtt_message_callback_remove(client, "#"));
    expect(&loop, &seen, "f/change", "m");
    CHECK_INT(client_stats(client).in_flight, 0);

    /* Topics do not contain `$share/group/`, so the matching ignores that part of a filter. */
    before = tally_get(&seen.record.unsubscribed);
    CHECK_OK(pmqtt_unsubscribe(client, "#", NULL));
    RUN_UNTIL(&loop, tally_get(&seen.record.unsubscribed) == before + 1);
    CHECK_OK(pmqtt_subscribe(client, "$share/group/f/+", 1, NULL));
    RUN_UNTIL(&loop, tally_get(&seen.record.subscribed) == 2);
    CHECK_OK(pmqtt_message_callback_add(client, "$share/group/f/+", on_a));
    expect(&loop, &seen, "f/1", "a");
    CHECK_OK(pmqtt_message_callback_remove(client, "$share/group/f/+"));
    expect(&loop, &seen, "f/1", "m");
    for (i = 0; i < sizeof NOT_SHARED / sizeof *NOT_SHARED; i++) {
        CHECK_RC(pmqtt_message_callback_add(client, NOT_SHARED[i], on_a), PMQTT_ERR_INVAL);
        CHECK_RC(pmqtt_subscribe(client, NOT_SHARED[i], 1, NULL), PMQTT_ERR_INVAL);
    }

    CHECK_RC(pmqtt_message_callback_add(client, "f/#/x", on_a), PMQTT_ERR_INVAL);
    CHECK_RC(pmqtt_message_callback_add(client, NULL, on_a), PMQTT_ERR_INVAL);
    CHECK_RC(pmqtt_message_callback_add(client, "f", NULL), PMQTT_ERR_INVAL);
    CHECK_RC(pmqtt_message_callback_remove(client, NULL), PMQTT_ERR_INVAL);
    loop_end(&loop);
    client_free(client);
    return 0;
}
