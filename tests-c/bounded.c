/* No call exceeds its bound, whatever the broker does: it floods, or it reads nothing, also while the
 * client disconnects.  What has to be sent in time is: pings, and answers. */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "loops.h"
#include "puppet.h"
#include "record.h"
#include "stopwatch.h"

/* A call that blocks only for callbacks takes at most LIMIT_MS; some calls may wait longer, as the
 * header says.  On a busy machine a call may take SLACK_MS more, plus the time in which its thread
 * waits for a processor.  Its own CPU time is at most twice the limit. */
enum { LIMIT_MS = 50, STOP_MS = 1200, FREE_MS = 1000, END_MS = 100, SLACK_MS = 500 };

enum { RUN_MS = 300, BURST = 20000, BURST_MS = 2500, CONNECT_MS = 1000, LINGER_MS = 500 };

/* A keep alive of a second, and half of one as the broker's tolerance. */
enum { SILENCE_MS = 1500 };

/* What the broker does once the client is connected. */
typedef enum misdeed { FLOODS_0, FLOODS_1, READS_NOTHING, FLOODS_GOODBYE, FLOODS_AND_READS_NOTHING, SENDS_BURST,
                       MISDEEDS } misdeed;

static const char *const MISDEED_NAMES[MISDEEDS] = {
    "a flood of QoS 0",  "a flood of QoS 1", "nothing is read", "a flood after DISCONNECT",
    "a flood, and nothing is read", "a burst",
};

/* What on_message does: nothing, 1 ms of work, or that and an answer. */
typedef enum handling { IS_QUICK, IS_SLOW, ANSWERS, HANDLINGS } handling;

static const char *const HANDLING_NAMES[HANDLINGS] = {"no handler", "a handler of 1 ms", "a handler that answers"};

/* How the client ends. */
typedef enum ending { DISCONNECTS, CONNECTS_ANEW, IS_STOPPED, IS_FREED, ENDINGS } ending;

static const char *const ENDING_NAMES[ENDINGS] = {"disconnect", "disconnect and connect", "loop_stop", "free"};

typedef struct scene {
    record seen;
    misdeed misdeed;
    handling handling;
    ending ending;
    puppet puppet;
    pmqtt_client *client;
    loop loop;
    /* After this time the handler is quick again, so that a call that exceeds its bound still ends. */
    tally slow_until;
    /* The other thread continues to call. */
    tally is_called;
} scene;

static void check_time(const char *call, const stopwatch *since, int limit_ms)
{
    double took = wall_ms_since(since);
    /* If others use the same core, a thread needs twice the CPU time. */
    double used = cpu_ms_since(since) / 2;

    if (took - starved_ms_since(since) > limit_ms + SLACK_MS || used > limit_ms)
        check_failed(__FILE__, __LINE__, "%s took %.0f ms, of them %.0f of CPU time, and not %d", call, took,
                     2 * used, limit_ms);
}

/* A call in the thread of the scene. */
#define TIMED(self, call, limit_ms)                                                             \
    do {                                                                                        \
        stopwatch since = stopwatch_start();                                                              \
        tally_set(&(self)->slow_until, puppet_now(&(self)->puppet) + (limit_ms) + 2 * SLACK_MS); \
        call;                                                                                   \
        check_time(#call, &since, limit_ms);                                                    \
    } while (0)

static void step_turn(loop *loop, int timeout_ms)
{
    scene *self = pmqtt_user_data(loop->clients[0].client);

    TIMED(self, pmqtt_loop(self->client, timeout_ms), LIMIT_MS);
}

static void poll_turn(loop *loop, int timeout_ms)
{
    scene *self = pmqtt_user_data(loop->clients[0].client);
    int timeout = pmqtt_next_timeout_ms(self->client);
    struct pollfd wait = {pmqtt_socket(self->client), 0, 0};

    wait.events = (short)((pmqtt_want_read(self->client) ? POLLIN : 0) |
                          (pmqtt_want_write(self->client) ? POLLOUT : 0));
    poll(&wait, 1, timeout >= 0 && timeout < timeout_ms ? timeout : timeout_ms);
    if (wait.revents & ~POLLOUT)
        TIMED(self, pmqtt_loop_read(self->client), LIMIT_MS);
    if (wait.revents & POLLOUT)
        TIMED(self, pmqtt_loop_write(self->client), LIMIT_MS);
    if (pmqtt_next_timeout_ms(self->client) == 0)
        TIMED(self, pmqtt_loop_misc(self->client), LIMIT_MS);
}

static void event_turn(loop *loop, int timeout_ms)
{
    scene *self = pmqtt_user_data(loop->clients[0].client);
    struct pollfd wait = {pmqtt_event_fd(self->client), POLLIN, 0};

    if (poll(&wait, 1, timeout_ms) > 0)
        TIMED(self, pmqtt_process(self->client), LIMIT_MS);
}

/* Each replaces a loop that does not measure time. */
static loop_kind kinds[4];

enum { KINDS = sizeof kinds / sizeof *kinds };

static void prepare_kinds(void)
{
    kinds[0] = STEP_LOOP;
    kinds[0].turn = step_turn;
    kinds[1] = POLL_LOOP;
    kinds[1].turn = poll_turn;
    kinds[2] = EVENT_POLL_LOOP;
    kinds[2].turn = event_turn;
    kinds[3] = THREAD_LOOP;
}

static bool has_thread(const scene *self)
{
    return self->loop.kind->add == THREAD_LOOP.add;
}

static void turn(scene *self)
{
    if (has_thread(self))
        tally_set(&self->slow_until, puppet_now(&self->puppet) + 2 * SLACK_MS);
    self->loop.kind->turn(&self->loop, 10);
}

#define TURN_UNTIL(self, condition) DO_UNTIL(condition, turn(self))

/* CPU time, not wall time, so a busy machine does not change the work. */
static void work_for_a_millisecond(void)
{
    double begin = thread_cpu_ms();

    while (thread_cpu_ms() < begin + 1)
        ;
}

static void on_message(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    scene *self = userdata;

    (void)event;
    tally_add(&self->seen.messages);
    if (self->handling == IS_QUICK || puppet_now(&self->puppet) > tally_get(&self->slow_until))
        return;
    work_for_a_millisecond();
    if (self->handling == ANSWERS)
        pmqtt_publish(client, PUPPET_ANSWER, "x", 1, 0, false, NULL);
}

static void set_callbacks(pmqtt_client *client)
{
    record_events(client);
    CHECK_OK(pmqtt_on_message_set(client, on_message));
}

static void ignore(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    (void)client;
    (void)userdata;
    (void)event;
}

static const char *const FILTERS[] = {"a/1", "a/2"};
static const pmqtt_publication BATCH[] = {{.struct_size = sizeof *BATCH, .topic = "a", .qos = 0},
                                          {.struct_size = sizeof *BATCH, .topic = "a", .qos = 1}};
static const int QOS[] = {1, 2};

/* A handler of a filter, with a userdata of its own. */
#define HANDLER(name) \
    (&(pmqtt_message_handler){.struct_size = sizeof(pmqtt_message_handler), .filter = (name), .callback = ignore})

/* A subscription with a callback. */
static void ignore_response(pmqtt_client *client, void *userdata, const pmqtt_response *event)
{
    (void)client;
    (void)userdata;
    (void)event;
}

#define SUBSCRIPTION(name) \
    (&(pmqtt_subscription){.struct_size = sizeof(pmqtt_subscription), .filter = (name), .callback = ignore})

/* Each function of a client that never blocks; the arguments do not change the scene. */
#define CALLS(call)                                                                            \
    call(pmqtt_on_log_set(client, NULL))                                                       \
    call(pmqtt_log_level_set(client, PMQTT_LOG_DEBUG))                                         \
    call(pmqtt_on_redirect_set(client, NULL))                                                  \
    call(pmqtt_redirect_follow(client))                                                        \
    call(pmqtt_on_interest_set(client, NULL))                                                  \
    call(set_callbacks(client))                                                                \
    call(pmqtt_message_handler_add(client, HANDLER("a")))                                      \
    call(pmqtt_message_callback_add(client, "a", ignore))                                      \
    call(pmqtt_message_callback_remove(client, "a"))                                           \
    call(pmqtt_client_id(client))                                                              \
    call(pmqtt_user_data_set(client, self))                                                    \
    call(pmqtt_user_data(client))                                                              \
    call(pmqtt_socket(client))                                                                 \
    call(pmqtt_is_connected(client))                                                           \
    call(pmqtt_connect_options_set(client, NULL))                                              \
    call(pmqtt_negotiated_get(client, &(pmqtt_negotiated){.struct_size = sizeof(pmqtt_negotiated)})) \
    call(pmqtt_negotiated_text(client, PMQTT_PROP_RESPONSE_INFORMATION, (char[8]){0}, 8))      \
    call(pmqtt_want_read(client))                                                              \
    call(pmqtt_want_write(client))                                                             \
    call(pmqtt_next_timeout_ms(client))                                                        \
    call(pmqtt_publish(client, "a", "0", 1, 0, false, NULL))                                   \
    call(pmqtt_publish(client, "a", "1", 1, 1, false, NULL))                                   \
    call(pmqtt_publish(client, "a", "2", 1, 2, false, NULL))                                   \
    call(pmqtt_publish_message(client, BATCH, NULL))                                           \
    call(pmqtt_publish_batch(client, BATCH, 2, NULL, NULL))                                    \
    call(pmqtt_subscribe(client, "a", 2, NULL))                                                \
    call(pmqtt_subscribe_multiple(client, FILTERS, QOS, 2, NULL))                              \
    call(pmqtt_unsubscribe(client, "a", NULL))                                                 \
    call(pmqtt_unsubscribe_multiple(client, FILTERS, 2, NULL))                                 \
    call(pmqtt_subscribe_with(client, SUBSCRIPTION("a"), 1, NULL, NULL))                       \
    call(pmqtt_unsubscribe_with(client, FILTERS, 2, NULL, NULL))                               \
    call(pmqtt_resubscribe_set(client, true))                                                  \
    call(pmqtt_request(client, BATCH, 1, ignore_response, NULL, NULL))                         \
    call(pmqtt_request_cancel(client, 12345))                                                  \
    call(pmqtt_reply(client, &(pmqtt_message){0}, BATCH))                                      \
    call(pmqtt_reply_address(&(pmqtt_message){0}, (char[8]){0}, 8, &(pmqtt_properties){0}))    \
    call(pmqtt_reply_to(client, &(pmqtt_properties){0}, BATCH))                                \
    call(pmqtt_ack(client, 12345, 1))                                                          \
    call(pmqtt_ack_with(client, 12345, 1, 0, NULL))                                            \
    call(pmqtt_will_set(client, "a", "gone", 4, 1, false))                                     \
    call(pmqtt_will_with(client, BATCH, 0))                                                    \
    call(pmqtt_will_clear(client))                                                             \
    call(pmqtt_topic_matches_sub("a/#", "a/1", &(bool){false}))                                \
    call(pmqtt_max_inflight_messages_set(client, 20))                                          \
    call(pmqtt_max_queued_messages_set(client, 1000))                                          \
    call(pmqtt_max_queued_bytes_set(client, 1 << 26))                                          \
    call(pmqtt_max_packet_size_set(client, 1 << 20))                                           \
    call(pmqtt_queue_options_set(client, NULL))                                                \
    call(pmqtt_cancel(client, 12345))                                                          \
    call(pmqtt_queue_clear(client))                                                            \
    call(pmqtt_message_retry_set(client, 5))                                                   \
    call(pmqtt_connect_timeout_set(client, CONNECT_MS))                                        \
    call(pmqtt_reconnect_delay_set(client, 1, 2))                                              \
    call(pmqtt_username_pw_set(client, "user", "password"))                                    \
    call(pmqtt_manual_ack_set(client, false))                                                  \
    call(pmqtt_auth_set(client, NULL, NULL))                                                   \
    call(pmqtt_auth_answer(client, "data", 4, NULL))                                           \
    call(pmqtt_auth_fail(client, 0x80))                                                        \
    call(pmqtt_reauthenticate(client))                                                         \
    call(pmqtt_auth_scram_set(client, "user", "password"))                                     \
    call(pmqtt_error_string(PMQTT_ERR_INVAL))                                                  \
    call(pmqtt_reason_string(0x87))                                                            \
    call(pmqtt_connack_string(1))                                                              \
    call(pmqtt_lib_version())                                                                  \
    call(pmqtt_last_error(client, (char[200]){0}, 200))                                        \
    call(pmqtt_stats(client, &(pmqtt_statistics){.struct_size = sizeof(pmqtt_statistics)}))

#define TIMED_HERE(call)                          \
    do {                                          \
        stopwatch since = stopwatch_start();                \
        (void)(call);                             \
        check_time(#call, &since, LIMIT_MS);      \
    } while (0);

static void *call_all(void *argument)
{
    scene *self = argument;
    pmqtt_client *client = self->client;

    while (tally_get(&self->is_called)) {
        CALLS(TIMED_HERE)
        sleep_ms(5);
    }
    return NULL;
}

/* More than the sockets of both sides take. */
static void publish_much(scene *self)
{
    enum { SIZE = 1 << 20, MESSAGES = 16 };
    char *payload = calloc(1, SIZE);
    int i;

    CHECK(payload != NULL);
    for (i = 0; i < MESSAGES; i++)
        TIMED(self, CHECK_OK(pmqtt_publish(self->client, "t", payload, SIZE, 0, false, NULL)), LIMIT_MS);
    free(payload);
}

static void misbehave(scene *self)
{
    if (self->misdeed == READS_NOTHING || self->misdeed == FLOODS_AND_READS_NOTHING) {
        puppet_stop_reading(&self->puppet);
        publish_much(self);
    }
    if (self->misdeed == FLOODS_0 || self->misdeed == FLOODS_AND_READS_NOTHING)
        puppet_flood(&self->puppet, 0);
    if (self->misdeed == FLOODS_1)
        puppet_flood(&self->puppet, 1);
    if (self->misdeed == FLOODS_GOODBYE)
        puppet_flood_goodbyes(&self->puppet);
    if (self->misdeed == SENDS_BURST)
        puppet_send(&self->puppet, BURST);
}

static void run_for(scene *self, int time_ms)
{
    long long end = now_ms() + time_ms;

    while (now_ms() < end)
        turn(self);
}

static void be_called_while_it_runs(scene *self)
{
    pthread_t thread;

    tally_set(&self->is_called, 1);
    CHECK_INT(pthread_create(&thread, NULL, call_all, self), 0);
    run_for(self, RUN_MS);
    tally_set(&self->is_called, 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
}

/* The client sends nothing else that would show that it is alive. */
static void ping_in_time(scene *self)
{
    int pings = tally_get(&self->puppet.pings);

    run_for(self, BURST_MS);
    CHECK(tally_get(&self->puppet.pings) > pings);
    CHECK(tally_get(&self->puppet.longest_silence) <= SILENCE_MS + SLACK_MS);
    CHECK_INT(tally_get(&self->seen.disconnects), 0);
}

static void answer_in_time(scene *self, int begin)
{
    int time;

    TURN_UNTIL(self, tally_get(&self->puppet.answered_at) > 0 || puppet_now(&self->puppet) > begin + BURST_MS);
    time = tally_get(&self->puppet.answered_at) - begin;
    if (time < 0 || time > LIMIT_MS + SLACK_MS)
        check_failed(__FILE__, __LINE__, "the first answer came after %d ms", time < 0 ? BURST_MS : time);
}

/* The end of a connection may take as long as the connect of its successor. */
static void end_by_disconnect(scene *self)
{
    stopwatch since;

    TIMED(self, pmqtt_disconnect(self->client), END_MS);
    since = stopwatch_start();
    if (self->ending == CONNECTS_ANEW)
        TIMED(self, pmqtt_connect_async(self->client, PUPPET_HOST, self->puppet.port, 1, NULL), END_MS);
    TURN_UNTIL(self, tally_get(&self->seen.disconnects) > 0);
    /* The calls that this thread makes meanwhile were checked one by one. */
    since.cpu_ms = thread_cpu_ms();
    check_time("the end of the connection", &since, CONNECT_MS + LINGER_MS);
}

static void end(scene *self)
{
    int disconnects = tally_get(&self->seen.disconnects);

    /* A broker that reads nothing has been given up by now, as it answered no ping. */
    if (disconnects == 0 && (self->ending == DISCONNECTS || self->ending == CONNECTS_ANEW))
        end_by_disconnect(self);
    if (self->ending == IS_STOPPED)
        TIMED(self, CHECK_OK(pmqtt_loop_stop(self->client)), STOP_MS);
    TIMED(self, client_free(self->client), FREE_MS);
}

static void play(scene *self)
{
    int begin;

    puppet_begin(&self->puppet);
    self->client = client_new(NULL, self);
    set_callbacks(self->client);
    CHECK_OK(pmqtt_connect_timeout_set(self->client, CONNECT_MS));
    loop_add(&self->loop, self->client);
    CHECK_OK(pmqtt_connect(self->client, PUPPET_HOST, self->puppet.port, 1, NULL));
    TURN_UNTIL(self, tally_get(&self->seen.connects) == 1);
    begin = puppet_now(&self->puppet);
    misbehave(self);
    if (self->misdeed == SENDS_BURST && self->handling == IS_SLOW)
        ping_in_time(self);
    if (self->handling == ANSWERS)
        answer_in_time(self, begin);
    be_called_while_it_runs(self);
    end(self);
    puppet_end(&self->puppet);
}

/* Each handling is combined with some endings only; each ending needs no more. */
static bool is_played(const scene *self)
{
    bool sends = self->misdeed == FLOODS_0 || self->misdeed == FLOODS_1 || self->misdeed == SENDS_BURST;

    switch (self->ending) {
    case DISCONNECTS:
        return self->handling == IS_QUICK || (self->handling == IS_SLOW && self->misdeed != READS_NOTHING);
    case CONNECTS_ANEW:
        return self->handling == IS_QUICK;
    case IS_STOPPED:
        return has_thread(self) && self->misdeed != FLOODS_GOODBYE &&
               self->handling == (self->misdeed == READS_NOTHING ? IS_QUICK : IS_SLOW);
    default:
        return sends ? self->handling == ANSWERS
                     : self->misdeed == READS_NOTHING && self->handling == IS_QUICK;
    }
}

static void play_case(int index)
{
    scene self;
    int number = index;

    memset(&self, 0, sizeof self);
    self.ending = (ending)(number % ENDINGS);
    number /= ENDINGS;
    self.handling = (handling)(number % HANDLINGS);
    number /= HANDLINGS;
    self.misdeed = (misdeed)(number % MISDEEDS);
    loop_begin(&self.loop, &kinds[number / MISDEEDS]);
    if (!is_played(&self))
        return;
    step("%s, %s, %s, %s", self.loop.kind->name, MISDEED_NAMES[self.misdeed], HANDLING_NAMES[self.handling],
         ENDING_NAMES[self.ending]);
    play(&self);
}

int main(void)
{
    watchdog(240);
    prepare_kinds();
    CHECK_INT(cases_play(KINDS * MISDEEDS * HANDLINGS * ENDINGS, 4, play_case), 0);
    return 0;
}
