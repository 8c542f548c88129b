/* Each system call of the library fails, at each place where it is made, in each loop. The client
 * survives, reports what it has lost, and does not spin; what failed can be done again. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cases.h"
#include "failing.h"
#include "loops.h"
#include "puppet.h"
#include "record.h"

/* How long a client may take to recover: it waits for up to a second between attempts. */
enum { SOON_MS = 8000, WATCHED_MS = 500, CONNECT_MS = 3000 };

/* What the client is doing when the call fails. */
typedef enum stage { CONNECTING, CONNECTING_ASYNC, WORKING, RECONNECTING, LEAVING, STAGES } stage;

static const char *const STAGE_NAMES[STAGES] = {
    "connecting", "connecting, async", "working", "reconnecting", "disconnecting",
};

/* read and write only serve wake-ups here, so EINTR stands for any failure: what is to be read or
 * written is still there. */
typedef struct fault {
    const char *call;
    int error;
    /* The connection survives it. */
    bool is_harmless;
    /* No call returns it, but the log has a line about it. */
    bool is_logged;
    /* It also has a case in which it continues for a while. */
    bool goes_on;
} fault;

static const fault FAULTS[] = {
    {"poll", EINVAL, true, true, true},
    {"poll", ENOMEM, true, true, false},
    {"poll", EINTR, true, false, false},
    {"epoll_ctl", ENOSPC, true, true, true},
    {"epoll_ctl", ENOMEM, true, true, false},
    {"epoll_create1", EMFILE, true, false, false},
    {"epoll_create1", ENOMEM, true, false, false},
    {"timerfd_create", EMFILE, true, false, false},
    {"timerfd_create", ENFILE, true, false, false},
    {"timerfd_settime", ENOMEM, true, false, false},
    {"eventfd", EMFILE, false, false, true},
    {"eventfd", ENFILE, false, false, false},
    {"socket", EMFILE, false, false, true},
    {"socket", ENFILE, false, false, false},
    {"socket", ENOMEM, false, false, false},
    {"setsockopt", EINVAL, false, false, false},
    {"connect", EINTR, true, false, false},
    {"connect", EAGAIN, false, false, false},
    {"connect", EADDRNOTAVAIL, false, false, true},
    {"connect", ECONNREFUSED, false, false, false},
    {"getpeername", ENOMEM, false, false, false},
    {"getpeername", ECONNRESET, false, false, false},
    {"getsockname", ENOMEM, false, false, false},
    {"send", ECONNRESET, false, false, false},
    {"send", ENOMEM, false, false, false},
    {"send", EAGAIN, true, false, false},
    {"send", EINTR, true, false, false},
    {"send", ONE_BYTE, true, false, true},
    {"recv", ECONNRESET, false, false, false},
    {"recv", ENOMEM, false, false, false},
    {"recv", EAGAIN, true, false, false},
    {"recv", EINTR, true, false, false},
    {"recv", ONE_BYTE, true, false, true},
    {"read", EINTR, true, false, false},
    {"write", EINTR, true, false, false},
    {"shutdown", ENOTCONN, true, false, false},
    {"pthread_create", EAGAIN, false, false, true},
};

enum { COUNT = sizeof FAULTS / sizeof *FAULTS };

typedef struct scene {
    record seen;
    int number;
    const fault *fault;
    stage stage;
    bool goes_on, was_met;
    puppet puppet;
    pmqtt_client *client;
    loop loop;
    /* Lines of the log with level warning or error. */
    tally warnings;
    /* For a loop that does not reconnect: what it has been told, and what it has to do. */
    int ends;
    bool wants_reconnect;
    long long next_try;
    /* Calls that have failed. */
    int failures;
} scene;

/* One call may fail because of the fault, but not a second one. */
static bool succeeds(scene *self, int rc)
{
    char text[300];

    if (rc == PMQTT_ERR_SUCCESS)
        return true;
    CHECK(has_failed());
    CHECK(rc != PMQTT_ERR_INVAL);
    CHECK(pmqtt_last_error(self->client, text, sizeof text) > 0);
    if (++self->failures > 1 && !self->goes_on)
        CHECK_RC(rc, PMQTT_ERR_SUCCESS);
    return false;
}

static int ends_told(const scene *self)
{
    return tally_get(&self->seen.disconnects) + tally_get(&self->seen.connect_fails);
}

/* A case in which the fault occurred writes its number here. */
static int met[2];

static void tell_that_it_was_met(scene *self)
{
    if (!self->was_met && has_failed()) {
        self->was_met = true;
        CHECK_INT(write(met[1], &self->number, sizeof self->number), sizeof self->number);
    }
}

static void go_on(scene *self)
{
    loop_turn(&self->loop);
    tell_that_it_was_met(self);
    if (self->loop.kind->reconnects)
        return;
    if (ends_told(self) > self->ends) {
        self->ends = ends_told(self);
        self->wants_reconnect = true;
    }
    if (self->wants_reconnect && now_ms() >= self->next_try) {
        self->wants_reconnect = !succeeds(self, pmqtt_reconnect(self->client));
        self->next_try = now_ms() + 50;
    }
}

#define GO_ON_UNTIL(self, condition)                                                     \
    do {                                                                                 \
        long long soon = now_ms() + SOON_MS;                                             \
        while (!(condition)) {                                                           \
            if (now_ms() > soon)                                                         \
                check_failed(__FILE__, __LINE__, "not in %d ms: %s", SOON_MS, #condition); \
            go_on(self);                                                                 \
        }                                                                                \
    } while (0)

static bool is_connected(const scene *self)
{
    return tally_get(&self->seen.connects) > tally_get(&self->seen.disconnects);
}

static void on_log(pmqtt_client *client, void *userdata, const pmqtt_log_line *line)
{
    (void)client;
    if (line->level == PMQTT_LOG_WARNING || line->level == PMQTT_LOG_ERR)
        tally_add(&((scene *)userdata)->warnings);
}

/* The loop of the scene that is played in this process. */
static scene *played;

static void add_to_thread(loop *loop, int index)
{
    if (!succeeds(played, pmqtt_loop_start(loop->clients[index].client)))
        CHECK_OK(pmqtt_loop_start(loop->clients[index].client));
}

static void add_event_fd(loop *loop, int index)
{
    if (pmqtt_event_fd(loop->clients[index].client) >= 0)
        return;
    CHECK(!succeeds(played, PMQTT_ERR_ERRNO));
    CHECK(pmqtt_event_fd(loop->clients[index].client) >= 0);
}

/* pmqtt_process also reports a connection that did not end as requested. */
static void process(loop *loop, int timeout_ms)
{
    pmqtt_client *client = loop->clients[0].client;
    struct pollfd wait = {pmqtt_event_fd(client), POLLIN, 0};
    int rc;

    if (poll(&wait, 1, timeout_ms) <= 0)
        return;
    rc = pmqtt_process(client);
    if (rc != PMQTT_ERR_SUCCESS && rc != PMQTT_ERR_NO_CONN)
        CHECK_RC(rc, tally_get(&played->seen.disconnect_rc));
}

static loop_kind kinds[4];

static void prepare_kinds(void)
{
    kinds[0] = THREAD_LOOP;
    kinds[0].add = add_to_thread;
    kinds[1] = STEP_LOOP;
    kinds[2] = EVENT_POLL_LOOP;
    kinds[2].add = add_event_fd;
    kinds[2].turn = process;
    kinds[3] = INTEREST_LOOP;
}

enum { KINDS = sizeof kinds / sizeof *kinds };

/* Each combination of fault, loop and stage is a case. */
enum { CASES = COUNT * KINDS * STAGES };

static const fault *fault_of(int number)
{
    return &FAULTS[number / STAGES / KINDS];
}

static stage stage_of(int number)
{
    return (stage)(number % STAGES);
}

static const loop_kind *kind_of(int number)
{
    return &kinds[number / STAGES % KINDS];
}

static int start_to_connect(scene *self)
{
    if (self->stage == CONNECTING_ASYNC || self->stage == RECONNECTING)
        return pmqtt_connect_async(self->client, "broker.test", self->puppet.port, 1, NULL);
    return pmqtt_connect(self->client, "broker.test", self->puppet.port, 1, NULL);
}

static void connect_client(scene *self)
{
    if (!succeeds(self, start_to_connect(self)))
        CHECK_OK(start_to_connect(self));
    GO_ON_UNTIL(self, is_connected(self));
}

/* A message that is published without a connection waits for the next one. */
static void publish(scene *self)
{
    int rc = pmqtt_publish(self->client, "t", "x", 1, 1, false, NULL);

    CHECK(rc == PMQTT_ERR_SUCCESS || rc == PMQTT_ERR_NO_CONN);
}

static void work(scene *self)
{
    int subscribed = tally_get(&self->seen.subscribed), published = tally_get(&self->seen.published);
    int messages = tally_get(&self->seen.messages), disconnects = tally_get(&self->seen.disconnects);

    CHECK_OK(pmqtt_subscribe(self->client, "t", 1, NULL));
    publish(self);
    puppet_send(&self->puppet, 1);
    GO_ON_UNTIL(self, tally_get(&self->seen.subscribed) == subscribed + 1);
    GO_ON_UNTIL(self, tally_get(&self->seen.published) == published + 1);
    CHECK_RC(tally_get(&self->seen.publish_rc), PMQTT_ERR_SUCCESS);
    /* A message of QoS 0 may be lost with its connection. */
    GO_ON_UNTIL(self, tally_get(&self->seen.messages) > messages ||
                          tally_get(&self->seen.disconnects) > disconnects);
}

static void leave(scene *self)
{
    /* This end must not make the loop reconnect: connect_client does that below. */
    self->ends = ends_told(self) + 1;
    CHECK_OK(pmqtt_disconnect(self->client));
    GO_ON_UNTIL(self, !is_connected(self));
    /* A loop call does not return this end as an error, unless the connection was lost first. */
    self->loop.clients[0].ends += tally_get(&self->seen.disconnect_rc) == PMQTT_ERR_SUCCESS;
    self->ends = ends_told(self);
    self->wants_reconnect = false;
    connect_client(self);
}

static void play_stage(scene *self)
{
    switch (self->stage) {
    case WORKING:
        work(self);
        break;
    case RECONNECTING:
        puppet_drop(&self->puppet);
        GO_ON_UNTIL(self, !is_connected(self));
        if (!self->goes_on)
            GO_ON_UNTIL(self, is_connected(self));
        break;
    case LEAVING:
        leave(self);
        break;
    default:
        break;
    }
}

static double cpu_ms(void)
{
    struct timespec used;

    CHECK_INT(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used), 0);
    return (double)used.tv_sec * 1e3 + (double)used.tv_nsec / 1e6;
}

/* The client has nothing to do meanwhile, except what keeps failing. */
static void watch_cpu(scene *self)
{
    double used = cpu_ms(), time;
    long long begin = now_ms();

    if (self->goes_on)
        publish(self);
    while (now_ms() < begin + WATCHED_MS)
        go_on(self);
    used = cpu_ms() - used;
    time = (double)(now_ms() - begin);
    if (used >= time / 4)
        check_failed(__FILE__, __LINE__, "%.0f ms of CPU time in %.0f ms", used, time);
}

static void check_that_it_lives(scene *self)
{
    int published = tally_get(&self->seen.published), unsettled, pings;

    unsettled = (int)client_stats(self->client).unsettled;
    publish(self);
    GO_ON_UNTIL(self, tally_get(&self->seen.published) >= published + unsettled + 1);
    CHECK_RC(tally_get(&self->seen.publish_rc), PMQTT_ERR_SUCCESS);
    GO_ON_UNTIL(self, is_connected(self));
    pings = tally_get(&self->puppet.pings);
    GO_ON_UNTIL(self, tally_get(&self->puppet.pings) > pings);
}

static void check_what_was_told(scene *self)
{
    const struct loop_client *entry = &self->loop.clients[0];

    CHECK_INT(tally_get(&self->seen.connects) - tally_get(&self->seen.disconnects), 1);
    CHECK(client_stats(self->client).connected);
    if (!self->loop.kind->reconnects)
        CHECK_INT(entry->ends, ends_told(self));
    if (self->fault->is_harmless)
        CHECK_INT(ends_told(self), self->stage == RECONNECTING || self->stage == LEAVING);
    if (self->fault->is_logged && self->failures == 0)
        CHECK(tally_get(&self->warnings) > 0);
}

static void reconnect(scene *self)
{
    int connects = tally_get(&self->seen.connects), disconnects = tally_get(&self->seen.disconnects);

    puppet_drop(&self->puppet);
    GO_ON_UNTIL(self, tally_get(&self->seen.disconnects) == disconnects + 1);
    GO_ON_UNTIL(self, tally_get(&self->seen.connects) == connects + 1);
}

static void play(scene *self, int k)
{
    bool at_once = self->stage == CONNECTING || self->stage == CONNECTING_ASYNC;
    int descriptors = open_descriptors();

    loop_begin(&self->loop, kind_of(self->number));
    puppet_begin(&self->puppet);
    self->client = recorded_client(NULL, &self->seen);
    CHECK_OK(pmqtt_on_log_set(self->client, on_log));
    CHECK_OK(pmqtt_reconnect_delay_set(self->client, 1, 1));
    CHECK_OK(pmqtt_connect_timeout_set(self->client, CONNECT_MS));
    if (at_once)
        fail(self->fault->call, self->fault->error, k, self->goes_on);
    loop_add(&self->loop, self->client);
    connect_client(self);
    if (!at_once) {
        work(self);
        fail(self->fault->call, self->fault->error, k, self->goes_on);
        play_stage(self);
    }
    if (has_failed()) {
        watch_cpu(self);
        fail_no_more();
        check_that_it_lives(self);
        check_what_was_told(self);
        reconnect(self);
    }
    fail_no_more();
    loop_end(&self->loop);
    client_free(self->client);
    puppet_end(&self->puppet);
    /* The thread of a look-up may be about to end. */
    WAIT_UNTIL(open_descriptors() == descriptors);
}

/* The cases to play, which share this call and mode. */
static int todo[CASES];
static int which_call;
static bool goes_on;

static void play_case(int index)
{
    scene self;

    memset(&self, 0, sizeof self);
    played = &self;
    self.number = todo[index];
    self.fault = fault_of(self.number);
    self.stage = stage_of(self.number);
    self.goes_on = goes_on;
    step("%s, %s: %s fails with %d, %s %d", kind_of(self.number)->name, STAGE_NAMES[self.stage],
         self.fault->call, self.fault->error, goes_on ? "from call" : "call", which_call);
    play(&self, which_call);
}

/* Plays the cases in `todo`, and returns how many have failed.  Those in which the fault occurred are
 * the next `todo`. */
static int play_cases(int *count, int at_once)
{
    int failed, number;

    step("%s %d: %d cases", goes_on ? "from call" : "call", which_call, *count);
    failed = cases_play(*count, at_once, play_case);
    *count = 0;
    while (read(met[0], &number, sizeof number) == sizeof number)
        todo[(*count)++] = number;
    return failed;
}

/* If the library made its calls in another way, nothing would be tested. */
static void check_that_all_were_met(int count)
{
    bool was_met[COUNT] = {false};
    int i;

    for (i = 0; i < count; i++)
        was_met[fault_of(todo[i]) - FAULTS] = true;
    for (i = 0; i < COUNT; i++)
        if (!was_met[i])
            check_failed(__FILE__, __LINE__, "%s never failed with %d", FAULTS[i].call, FAULTS[i].error);
}

static int play_one_call_each(int most_calls, int at_once)
{
    int count = CASES, failed = 0, i;

    for (i = 0; i < CASES; i++)
        todo[i] = i;
    for (which_call = 1; which_call <= most_calls; which_call++) {
        failed += play_cases(&count, at_once);
        if (which_call == 1)
            check_that_all_were_met(count);
    }
    return failed;
}

static int play_faults_that_go_on(int at_once)
{
    int count = 0, i;

    which_call = 1;
    goes_on = true;
    for (i = 0; i < CASES; i++)
        if (fault_of(i)->goes_on && (stage_of(i) == WORKING || stage_of(i) == RECONNECTING))
            todo[count++] = i;
    return play_cases(&count, at_once);
}

/* The arguments: how many calls of each kind fail, one in each case, and how many cases are played at
 * once. */
int main(int argc, char **argv)
{
    int at_once;

    CHECK_INT(argc, 3);
    at_once = atoi(argv[2]);
    watchdog(240);
    prepare_kinds();
    CHECK_INT(pipe(met), 0);
    CHECK_INT(fcntl(met[0], F_SETFL, O_NONBLOCK), 0);
    CHECK_INT(play_one_call_each(atoi(argv[1]), at_once) + play_faults_that_go_on(at_once), 0);
    return 0;
}
