/* Requests and responses between two clients, with 100 requests out at once: some are answered twice, late or never,
 * some are cancelled.  Each request ends exactly once.  The argument is the number of requests. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker.h"
#include "loops.h"
#include "record.h"

enum { OUT = 100, LONG_MS = 100000, SHORT_MS = 150, ADDRESS = 256 };

/* What becomes of a request. */
typedef enum fate { ANSWERED, TWICE, LATER, LATE, CANCELLED, FATES } fate;

typedef struct account {
    struct crowd *crowd;
    fate fate;
    uint64_t id, ended_id;
    tally ends;
    int rc;
    /* Of a late or later answer.  Whoever comes second answers: the responder that has the request, or the requester
     * that has given it up. */
    tally meets;
    char address[ADDRESS];
    pmqtt_properties where;
} account;

/* The user data of both clients. */
typedef struct crowd {
    record record;
    pmqtt_client *requester, *responder;
    account *accounts;
    int count;
    tally begun, ended;
    /* The last request that is to be answered later; only the responder uses it. */
    account *later;
} crowd;

static void begin_next(crowd *self);

static fate fate_of(int index)
{
    static const fate FATE[10] = {[3] = TWICE, [5] = LATER, [7] = LATE, [9] = CANCELLED};

    return FATE[index % 10];
}

static int expected_rc(fate fate)
{
    return fate == LATE ? PMQTT_ERR_TIMEOUT : fate == CANCELLED ? PMQTT_ERR_CANCELLED : PMQTT_ERR_SUCCESS;
}

static int index_of(const account *self)
{
    return (int)(self - self->crowd->accounts);
}

/* The answer is the index, as the request is. */
static void answer(account *self, const pmqtt_message *request)
{
    char text[16];
    pmqtt_publication reply = {PMQTT_PUBLICATION_INIT, .payload = text, .qos = index_of(self) % 3};

    reply.payload_len = (size_t)snprintf(text, sizeof text, "%d", index_of(self));
    if (request)
        CHECK_OK(pmqtt_reply(self->crowd->responder, request, &reply));
    else
        CHECK_OK(pmqtt_reply_to(self->crowd->responder, &self->where, &reply));
}

static int number(const pmqtt_message *message)
{
    char text[16] = "";

    CHECK(message->payload_len < sizeof text);
    memcpy(text, message->payload, message->payload_len);
    return atoi(text);
}

static void on_request(pmqtt_client *client, void *userdata, const pmqtt_message *request)
{
    crowd *self = userdata;
    account *asked = &self->accounts[number(request)];

    (void)client;
    switch (asked->fate) {
    case TWICE:
        answer(asked, request);
        answer(asked, request);
        return;
    case LATE:
        CHECK_OK(pmqtt_reply_address(request, asked->address, ADDRESS, &asked->where));
        if (tally_add(&asked->meets) == 2)
            answer(asked, NULL);
        return;
    case LATER:
        CHECK_OK(pmqtt_reply_address(request, asked->address, ADDRESS, &asked->where));
        tally_add(&asked->meets);
        if (self->later)
            answer(self->later, NULL);
        self->later = asked;
        return;
    default:
        answer(asked, request);
    }
}

static void on_response(pmqtt_client *client, void *userdata, const pmqtt_response *event)
{
    account *self = userdata;

    CHECK(client == self->crowd->requester);
    CHECK_INT(event->reason, -1);
    CHECK((event->message != NULL) == (event->rc == PMQTT_ERR_SUCCESS));
    if (event->message)
        CHECK_INT(number(event->message), index_of(self));
    CHECK_RC(pmqtt_request_cancel(client, event->id), PMQTT_ERR_NOT_FOUND);
    self->rc = event->rc;
    self->ended_id = event->id;
    tally_add(&self->ends);
    if (self->fate == LATE && tally_add(&self->meets) == 2)
        answer(self, NULL);
    begin_next(self->crowd);
    tally_add(&self->crowd->ended);
}

/* Those that end without a response have QoS 0: their messages never wait for the window, so that each is answered. */
static void begin_next(crowd *self)
{
    char text[16];
    pmqtt_publication request = {PMQTT_PUBLICATION_INIT, .topic = "service", .payload = text};
    int index = tally_add(&self->begun) - 1;
    account *asked = &self->accounts[index];

    if (index >= self->count)
        return;
    asked->crowd = self;
    asked->fate = fate_of(index);
    request.payload_len = (size_t)snprintf(text, sizeof text, "%d", index);
    request.qos = expected_rc(asked->fate) == PMQTT_ERR_SUCCESS ? index % 3 : 0;
    CHECK_OK(pmqtt_request(self->requester, &request, asked->fate == LATE ? SHORT_MS : LONG_MS, on_response, asked,
                           &asked->id));
    if (asked->fate == CANCELLED)
        CHECK_OK(pmqtt_request_cancel(self->requester, asked->id));
}

static pmqtt_statistics stats(pmqtt_client *client)
{
    pmqtt_statistics figures = {.struct_size = sizeof figures};

    CHECK_OK(pmqtt_stats(client, &figures));
    return figures;
}

static pmqtt_client *client_of(crowd *self)
{
    pmqtt_client *client;

    CHECK_OK(pmqtt_client_new(&client, NULL, true, self, PMQTT_PROTOCOL_V5));
    record_events(client);
    return client;
}

static void run(const loop_kind *kind, int count)
{
    crowd self = {.count = count, .accounts = calloc((size_t)count, sizeof(account))};
    uint64_t dropped = 0;
    long long start, took;
    loop loop;
    int index;

    step("%d requests in %s", count, kind->name);
    self.requester = client_of(&self);
    self.responder = client_of(&self);
    loop_begin(&loop, kind);
    loop_add(&loop, self.requester);
    loop_add(&loop, self.responder);
    CHECK_OK(pmqtt_message_callback_add(self.responder, "service", on_request));
    CHECK_OK(pmqtt_connect(self.requester, BROKER_HOST, broker_port(), 60, NULL));
    CHECK_OK(pmqtt_connect(self.responder, BROKER_HOST, broker_port(), 60, NULL));
    RUN_UNTIL(&loop, tally_get(&self.record.connects) == 2);
    CHECK_OK(pmqtt_subscribe(self.responder, "service", 2, NULL));
    RUN_UNTIL(&loop, tally_get(&self.record.subscribed) == 1);

    start = now_ms();
    for (index = 0; index < OUT; index++)
        begin_next(&self);
    RUN_UNTIL(&loop, tally_get(&self.ended) == count - 1);
    took = now_ms() - start;
    /* One that is to be answered later has no successor. */
    for (index = 0; tally_get(&self.accounts[index].ends) == 1; index++)
        continue;
    RUN_UNTIL(&loop, tally_get(&self.accounts[index].meets) == 1);
    answer(&self.accounts[index], NULL);
    for (index = 0; index < count; index++)
        dropped += self.accounts[index].fate == TWICE || self.accounts[index].fate == LATE ||
                   self.accounts[index].fate == CANCELLED;
    RUN_UNTIL(&loop, tally_get(&self.ended) == count && stats(self.requester).responses_dropped == dropped &&
                         stats(self.requester).unsettled == 0);
    step("%lld ms, %lld responses dropped", took, (long long)dropped);
    loop_end(&loop);
    for (index = 0; index < count; index++) {
        const account *asked = &self.accounts[index];

        CHECK_INT(tally_get(&asked->ends), 1);
        CHECK_INT(asked->rc, expected_rc(asked->fate));
        CHECK(asked->id != 0 && asked->id == asked->ended_id);
    }
    CHECK_INT(tally_get(&self.record.messages), 0);
    CHECK_INT(tally_get(&self.record.subscribed), 1);
    pmqtt_client_free(self.requester);
    pmqtt_client_free(self.responder);
    free(self.accounts);
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 0;

    CHECK(count >= OUT);
    watchdog(200);
    broker_start();
    run(&STEP_LOOP, count);
    run(&EVENT_EPOLL_LOOP, count);
    run(&THREAD_LOOP, count);
    return 0;
}
