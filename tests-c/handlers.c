/* Handlers with their own userdata: which handlers are called, and when userdata is released. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "broker.h"
#include "loops.h"
#include "record.h"

/* The handlers that the last message called, a letter each, in order. */
struct trace {
    record record;
    char text[32];
};

/* The userdata of a handler. */
struct guest {
    struct trace *trace;
    char letter;
    /* A further action of the callback; NULL: none. */
    void (*act)(pmqtt_client *, struct guest *);
    tally added, released;
};

static void note(struct trace *self, char letter)
{
    size_t length = strlen(self->text);

    CHECK(length + 1 < sizeof self->text);
    self->text[length] = letter;
}

static void on_any(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    (void)client;
    (void)event;
    note(userdata, 'm');
}

static void on_plain(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    (void)client;
    (void)event;
    note(userdata, 'p');
}

static void on_guest(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    struct guest *self = userdata;

    (void)event;
    CHECK(tally_get(&self->added) > tally_get(&self->released));
    note(self->trace, self->letter);
    if (self->act)
        self->act(client, self);
    CHECK(tally_get(&self->added) > tally_get(&self->released));
}

static void release(void *userdata)
{
    struct guest *self = userdata;

    tally_add(&self->released);
    CHECK(tally_get(&self->released) <= tally_get(&self->added));
}

static pmqtt_message_handler handler(const char *filter, struct guest *guest)
{
    pmqtt_message_handler made = {.struct_size = sizeof made, .filter = filter, .callback = on_guest,
                                  .userdata = guest, .release = release};

    return made;
}

static void add(pmqtt_client *client, const char *filter, struct guest *guest)
{
    const pmqtt_message_handler made = handler(filter, guest);

    tally_add(&guest->added);
    CHECK_OK(pmqtt_message_handler_add(client, &made));
}

static void check_released(const struct guest *guest, int times)
{
    CHECK_INT(tally_get(&guest->released), times);
}

static pmqtt_client *begin(struct trace *seen, loop *loop, const loop_kind *kind)
{
    pmqtt_client *client;

    memset(seen, 0, sizeof *seen);
    client = recorded_client(NULL, &seen->record);
    CHECK_OK(pmqtt_on_message_set(client, on_any));
    loop_begin(loop, kind);
    loop_add(loop, client);
    CHECK_OK(pmqtt_connect(client, BROKER_HOST, broker_port(), 60, NULL));
    RUN_UNTIL(loop, tally_get(&seen->record.connects) == 1);
    CHECK_OK(pmqtt_subscribe(client, "#", 1, NULL));
    RUN_UNTIL(loop, tally_get(&seen->record.subscribed) == 1);
    return client;
}

/* Checks which callbacks a message to a topic calls. */
static void expect(loop *loop, struct trace *seen, const char *topic, const char *calls)
{
    pmqtt_client *client = loop->clients[0].client;
    int unsubscribed = tally_get(&seen->record.unsubscribed);

    step("%s calls %s", topic, calls);
    memset(seen->text, 0, sizeof seen->text);
    CHECK_OK(pmqtt_publish(client, topic, NULL, 0, 1, false, NULL));
    RUN_UNTIL(loop, seen->text[strlen(calls) - 1]);
    /* The answer to a request made from now on arrives after the message. */
    CHECK_OK(pmqtt_unsubscribe(client, "none", NULL));
    RUN_UNTIL(loop, tally_get(&seen->record.unsubscribed) == unsubscribed + 1);
    CHECK_TEXT(seen->text, calls);
}

static void order(void)
{
    struct trace seen, other;
    struct guest a = {.trace = &seen, .letter = 'a'}, b = {.trace = &seen, .letter = 'b'},
                 c = {.trace = &seen, .letter = 'c'};
    loop loop;
    pmqtt_client *client = begin(&seen, &loop, &STEP_LOOP);
    pmqtt_message_handler unreleased = handler("h/#", &c);

    add(client, "h/#", &a);
    CHECK_OK(pmqtt_message_callback_add(client, "h/+", on_plain));
    add(client, "+/1", &b);
    expect(&loop, &seen, "h/1", "apb");
    expect(&loop, &seen, "h/2", "ap");
    expect(&loop, &seen, "g/1", "b");
    expect(&loop, &seen, "g/2", "m");

    step("the client's userdata is not that of handlers");
    memset(&other, 0, sizeof other);
    CHECK_OK(pmqtt_user_data_set(client, &other));
    memset(seen.text, 0, sizeof seen.text);
    CHECK_OK(pmqtt_publish(client, "h/1", NULL, 0, 0, false, NULL));
    RUN_UNTIL(&loop, seen.text[1]);
    CHECK_TEXT(seen.text, "ab");
    CHECK_TEXT(other.text, "p");
    CHECK_OK(pmqtt_user_data_set(client, &seen));

    step("the same filter again: the other handler, in its old place");
    unreleased.release = NULL;
    CHECK_OK(pmqtt_message_callback_add(client, "+/1", on_plain));
    check_released(&b, 1);
    add(client, "h/+", &b);
    expect(&loop, &seen, "h/1", "abp");
    tally_add(&c.added);
    CHECK_OK(pmqtt_message_handler_add(client, &unreleased));
    check_released(&a, 1);
    expect(&loop, &seen, "h/1", "cbp");

    step("removed");
    CHECK_OK(pmqtt_message_callback_remove(client, "h/#"));
    CHECK_OK(pmqtt_message_callback_remove(client, "h/+"));
    CHECK_RC(pmqtt_message_callback_remove(client, "h/+"), PMQTT_ERR_NOT_FOUND);
    check_released(&b, 2);
    check_released(&c, 0);
    expect(&loop, &seen, "h/1", "p");
    loop_end(&loop);
    client_free(client);
}

static void refused(void)
{
    struct trace seen;
    struct guest a = {.trace = &seen, .letter = 'a'};
    loop loop;
    pmqtt_client *client = begin(&seen, &loop, &STEP_LOOP);
    pmqtt_message_handler made;
    static const char *const MALFORMED[] = {"", "a#", "a/#/b", "$share/g", "\xff", NULL};
    size_t i;

    step("what is refused is not released");
    for (i = 0; i < sizeof MALFORMED / sizeof *MALFORMED; i++) {
        made = handler(MALFORMED[i], &a);
        CHECK_RC(pmqtt_message_handler_add(client, &made), PMQTT_ERR_INVAL);
    }
    made = handler("a", &a);
    made.callback = NULL;
    CHECK_RC(pmqtt_message_handler_add(client, &made), PMQTT_ERR_INVAL);
    made = handler("a", &a);
    made.struct_size = sizeof made - sizeof made.release;
    CHECK_RC(pmqtt_message_handler_add(client, &made), PMQTT_ERR_INVAL);
    CHECK_RC(pmqtt_message_handler_add(client, NULL), PMQTT_ERR_INVAL);
    made = handler("a", &a);
    CHECK_RC(pmqtt_message_handler_add(NULL, &made), PMQTT_ERR_INVAL);
    expect(&loop, &seen, "a", "m");
    loop_end(&loop);
    client_free(client);
    check_released(&a, 0);
}

static struct guest later;

/* Removes itself and the next handler, and adds one after all others. */
static void change(pmqtt_client *client, struct guest *self)
{
    CHECK_OK(pmqtt_message_callback_remove(client, "h/change"));
    check_released(self, 0);
    CHECK_OK(pmqtt_message_callback_remove(client, "h/next"));
    add(client, "#", &later);
}

/* Replaces itself, with the same userdata. */
static void renew(pmqtt_client *client, struct guest *self)
{
    add(client, "h/renew", self);
    self->act = NULL;
}

/* Leaves its place, and takes the last one. */
static void queue_again(pmqtt_client *client, struct guest *self)
{
    self->act = NULL;
    CHECK_OK(pmqtt_message_callback_remove(client, "h/again"));
    add(client, "h/again", self);
}

static void begin_anew(pmqtt_client *client, struct guest *self)
{
    CHECK_OK(pmqtt_reinitialise(client, "anew", true, self->trace));
    check_released(self, 0);
    check_released(&later, 1);
}

/* The message came before, and is none for what is added now. */
static void begin_anew_with_others(pmqtt_client *client, struct guest *self)
{
    CHECK_OK(pmqtt_reinitialise(client, "anew", true, self->trace));
    add(client, "h/#", &later);
    add(client, "h/+", &later);
    add(client, "#", &later);
}

static void in_callbacks(void)
{
    struct trace seen;
    struct guest changing = {.trace = &seen, .letter = 'x', .act = change},
                 again = {.trace = &seen, .letter = 'a', .act = queue_again},
                 renewing = {.trace = &seen, .letter = 'r', .act = renew},
                 anew = {.trace = &seen, .letter = 'n', .act = begin_anew},
                 others = {.trace = &seen, .letter = 'o', .act = begin_anew_with_others},
                 next = {.trace = &seen, .letter = 'y'};
    loop loop;
    pmqtt_client *client = begin(&seen, &loop, &STEP_LOOP);

    later = (struct guest){.trace = &seen, .letter = 'l'};
    add(client, "h/change", &changing);
    add(client, "h/next", &next);
    expect(&loop, &seen, "h/change", "xl");
    check_released(&changing, 1);
    check_released(&next, 1);
    check_released(&later, 0);
    expect(&loop, &seen, "h/change", "l");

    add(client, "h/renew", &renewing);
    expect(&loop, &seen, "h/renew", "lr");
    check_released(&renewing, 1);
    expect(&loop, &seen, "h/renew", "lr");

    add(client, "h/again", &again);
    expect(&loop, &seen, "h/again", "laa");
    expect(&loop, &seen, "h/again", "la");
    check_released(&again, 1);

    step("a callback begins anew");
    CHECK_OK(pmqtt_message_callback_remove(client, "#"));
    later = (struct guest){.trace = &seen, .letter = 'l'};
    add(client, "later", &later);
    add(client, "h/anew", &anew);
    CHECK_OK(pmqtt_publish(client, "h/anew", NULL, 0, 0, false, NULL));
    RUN_UNTIL(&loop, tally_get(&anew.released));
    check_released(&anew, 1);
    check_released(&renewing, 2);

    step("and so does the program");
    add(client, "h/anew", &anew);
    CHECK_OK(pmqtt_reinitialise(client, NULL, true, NULL));
    check_released(&anew, 2);
    loop_end(&loop);
    client_free(client);

    step("a callback begins anew, and adds others");
    later = (struct guest){.trace = &seen, .letter = 'l'};
    client = begin(&seen, &loop, &STEP_LOOP);
    add(client, "h/others", &others);
    CHECK_OK(pmqtt_publish(client, "h/others", NULL, 0, 0, false, NULL));
    RUN_UNTIL(&loop, tally_get(&others.released));
    CHECK_TEXT(seen.text, "o");
    loop_end(&loop);
    client_free(client);
    check_released(&later, 3);
}

static pmqtt_client *called_by_release;

static void release_and_call(void *userdata)
{
    release(userdata);
    CHECK_RC(pmqtt_message_callback_remove(called_by_release, "called"), PMQTT_ERR_NOT_FOUND);
    add(called_by_release, "called", &later);
    CHECK_OK(pmqtt_publish(called_by_release, "called", NULL, 0, 1, false, NULL));
}

static void release_calls(void)
{
    struct trace seen;
    struct guest calling = {.trace = &seen, .letter = 'c'};
    pmqtt_message_handler made = handler("calling", &calling);
    loop loop;

    called_by_release = begin(&seen, &loop, &STEP_LOOP);
    step("release calls the client");
    later = (struct guest){.trace = &seen, .letter = 'l'};
    made.release = release_and_call;
    tally_add(&calling.added);
    CHECK_OK(pmqtt_message_handler_add(called_by_release, &made));
    CHECK_OK(pmqtt_message_callback_remove(called_by_release, "calling"));
    check_released(&calling, 1);
    RUN_UNTIL(&loop, seen.text[0]);
    CHECK_TEXT(seen.text, "l");
    loop_end(&loop);
    client_free(called_by_release);
    check_released(&later, 1);
}

static void release_and_free(void *userdata)
{
    release(userdata);
    client_free(called_by_release);
}

static void release_frees(void)
{
    struct guest freeing = {.letter = 'f'}, other = {.letter = 'o'};
    pmqtt_message_handler made = handler("freeing", &freeing);

    step("release frees the client");
    called_by_release = client_new(NULL, NULL);
    made.release = release_and_free;
    tally_add(&freeing.added);
    CHECK_OK(pmqtt_message_handler_add(called_by_release, &made));
    add(called_by_release, "other", &other);
    CHECK_OK(pmqtt_message_callback_remove(called_by_release, "freeing"));
    check_released(&freeing, 1);
    check_released(&other, 1);
}

static void free_here(pmqtt_client *client, struct guest *self)
{
    client_free(client);
    check_released(&later, 1);
    check_released(self, 0);
}

static void freed_in_a_callback(void)
{
    struct trace seen;
    struct guest freeing = {.trace = &seen, .letter = 'f', .act = free_here};
    loop loop;
    pmqtt_client *client = begin(&seen, &loop, &STEP_LOOP);

    step("a callback frees the client");
    loop_end(&loop);
    later = (struct guest){.trace = &seen, .letter = 'l'};
    add(client, "free", &freeing);
    add(client, "later", &later);
    CHECK_OK(pmqtt_publish(client, "free", NULL, 0, 0, false, NULL));
    while (!tally_get(&freeing.released))
        pmqtt_loop(client, 20);
}

static tally is_inside, may_leave;

static void stay(pmqtt_client *client, struct guest *self)
{
    (void)client;
    tally_set(&is_inside, 1);
    WAIT_UNTIL(tally_get(&may_leave));
    check_released(self, 0);
}

static void *let_leave(void *argument)
{
    (void)argument;
    sleep_ms(20);
    tally_set(&may_leave, 1);
    return NULL;
}

/* Removes the handler, or frees the client, while the callback runs in the loop thread. */
static void in_another_thread(bool frees)
{
    struct trace seen;
    struct guest staying = {.trace = &seen, .letter = 's', .act = stay}, quick = {.trace = &seen, .letter = 'q'};
    loop loop;
    pmqtt_client *client = begin(&seen, &loop, &THREAD_LOOP);
    pthread_t thread;

    step("%s while the callback runs in another thread", frees ? "freed" : "removed");
    tally_set(&is_inside, 0);
    tally_set(&may_leave, 0);
    add(client, "stay", &staying);
    add(client, "quick", &quick);
    CHECK_OK(pmqtt_publish(client, "stay", NULL, 0, 0, false, NULL));
    WAIT_UNTIL(tally_get(&is_inside));
    CHECK_OK(pmqtt_message_callback_remove(client, "stay"));
    CHECK_OK(pmqtt_message_callback_remove(client, "quick"));
    check_released(&quick, 1);
    check_released(&staying, 0);
    CHECK_INT(pthread_create(&thread, NULL, let_leave, NULL), 0);
    if (!frees)
        WAIT_UNTIL(tally_get(&staying.released));
    loop_end(&loop);
    client_free(client);
    check_released(&staying, 1);
    CHECK_INT(pthread_join(thread, NULL), 0);
}

/* Handles at most one message for each userdata, which is allocated for this handler alone. */
static void on_load(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    int *count = userdata;

    (void)event;
    CHECK_INT(*count, 0);
    ++*count;
    CHECK_OK(pmqtt_message_callback_remove(client, "load"));
    CHECK_INT(*count, 1);
}

static void under_load(void)
{
    enum { MESSAGES = 2000 };
    struct trace seen;
    loop loop;
    pmqtt_client *client = begin(&seen, &loop, &THREAD_LOOP);
    pmqtt_message_handler made = {.struct_size = sizeof made, .filter = "load", .callback = on_load, .release = free};
    int i;

    step("replaced by one thread, and removed by another");
    CHECK_OK(pmqtt_on_message_set(client, NULL));
    for (i = 0; i < MESSAGES; i++) {
        made.userdata = calloc(1, sizeof(int));
        CHECK(made.userdata != NULL);
        CHECK_OK(pmqtt_message_handler_add(client, &made));
        CHECK_OK(pmqtt_publish(client, "load", NULL, 0, 1, false, NULL));
    }
    WAIT_UNTIL(tally_get(&seen.record.published) == MESSAGES);
    loop_end(&loop);
    client_free(client);
}

int main(void)
{
    watchdog(120);
    broker_start();
    order();
    refused();
    in_callbacks();
    release_calls();
    release_frees();
    freed_in_a_callback();
    in_another_thread(false);
    in_another_thread(true);
    under_load();
    return 0;
}
