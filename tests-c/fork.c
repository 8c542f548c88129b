/* A process forks while it has clients. The child frees them, whatever other threads were doing, and
 * makes new ones; the parent continues as if nothing had happened.  With a port as its argument, over
 * TLS. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "broker.h"
#include "loops.h"
#include "record.h"
#include "stopwatch.h"

enum { FORKS = 100, PUBLISHERS = 2, WATCHED_MS = 300 };

/* 0: without TLS, with the broker of this program. */
static int tls_port;
/* The descriptors of a child while it has no client. */
static int descriptors;

static void count_descriptors(void)
{
    pid_t child = fork();
    int status;

    if (child == 0)
        _exit(open_descriptors());
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    descriptors = WEXITSTATUS(status);
}

/* How many descriptors would stay open after exec. */
static int kept_by_exec(void)
{
    int fd, flags, count = 0;

    for (fd = 0; fd < 256; fd++) {
        flags = fcntl(fd, F_GETFD);
        count += flags >= 0 && !(flags & FD_CLOEXEC);
    }
    return count;
}

static pmqtt_client *new_client(record *seen)
{
    pmqtt_client *client = recorded_client(NULL, seen);

    if (tls_port) {
        CHECK_OK(pmqtt_tls_set(client, "authority.pem", NULL, NULL, PMQTT_CERT_REQUIRED, 0, NULL));
        CHECK_OK(pmqtt_tls_server_name_set(client, "127.0.0.1"));
    }
    return client;
}

/* A name, so that there is a look-up. */
static void connect_to_broker(pmqtt_client *client)
{
    CHECK_OK(pmqtt_connect_async(client, "localhost", tls_port ? tls_port : broker_port(), 60, NULL));
}

/* The client receives what it publishes to its topic. */
static void subscribe_to(pmqtt_client *client, const char *topic)
{
    CHECK_OK(pmqtt_subscribe(client, topic, 1, NULL));
}

static void begin(pmqtt_client *client, record *seen, const char *topic)
{
    CHECK_OK(pmqtt_loop_start(client));
    connect_to_broker(client);
    WAIT_UNTIL(tally_get(&seen->connects) == 1);
    subscribe_to(client, topic);
    WAIT_UNTIL(tally_get(&seen->subscribed) == 1);
}

static void a_new_client_works(void)
{
    static record seen;
    pmqtt_client *client;
    char topic[40];

    memset(&seen, 0, sizeof seen);
    client = new_client(&seen);
    snprintf(topic, sizeof topic, "fork/%d", (int)getpid());
    begin(client, &seen, topic);
    CHECK_OK(pmqtt_publish(client, topic, "x", 1, 2, false, NULL));
    WAIT_UNTIL(tally_get(&seen.messages) == 1 && tally_get(&seen.published) == 1);
    CHECK_OK(pmqtt_disconnect(client));
    WAIT_UNTIL(tally_get(&seen.disconnects) == 1);
    client_free(client);
}

static void inherited_is_refused(pmqtt_client *client)
{
    char text[200];
    uint64_t mid = 77;

    CHECK_RC(pmqtt_publish(client, "t", "x", 1, 1, false, &mid), PMQTT_ERR_INVAL);
    CHECK_INT(mid, 77);
    pmqtt_last_error(client, text, sizeof text);
    CHECK(strstr(text, "fork"));
    CHECK_RC(pmqtt_loop(client, 1000), PMQTT_ERR_INVAL);
    CHECK_RC(pmqtt_process(client), PMQTT_ERR_INVAL);
    CHECK_RC(pmqtt_loop_stop(client), PMQTT_ERR_INVAL);
    CHECK_RC(pmqtt_disconnect(client), PMQTT_ERR_INVAL);
    CHECK_INT(pmqtt_socket(client), -1);
    CHECK_INT(pmqtt_event_fd(client), -1);
    CHECK(!pmqtt_client_id(client));
}

/* Not exit, which would end the broker.  What is left of the parent's threads is not a leak. */
static void end_child(void)
{
    execlp("true", "true", (char *)NULL);
    _exit(2);
}

/* What a child does; with `new_first` it makes a client before it frees the inherited ones. */
static void be_a_child(pmqtt_client *const clients[], int count, bool new_first)
{
    stopwatch begun;
    int i;

    watchdog(60);
    for (i = 0; i < count; i++)
        inherited_is_refused(clients[i]);
    if (new_first)
        a_new_client_works();
    begun = stopwatch_start();
    for (i = 0; i < count; i++)
        pmqtt_client_free(clients[i]);
    CHECK(wall_ms_since(&begun) - starved_ms_since(&begun) < 1000);
    CHECK_INT(open_descriptors(), descriptors);
    if (!new_first)
        a_new_client_works();
    CHECK_INT(open_descriptors(), descriptors);
}

static void wait_for(pid_t child)
{
    int status;

    CHECK(child > 0);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), 0);
}

static void fork_and_wait(pmqtt_client *const clients[], int count, bool new_first)
{
    pid_t child = fork();

    if (child == 0) {
        be_a_child(clients, count, new_first);
        end_child();
    }
    wait_for(child);
}

static long long cpu_ms(void)
{
    struct timespec time;

    CHECK_INT(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time), 0);
    return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

/* The parent exchanges messages over the same connection as before, and is idle when there are none. */
static void goes_on(pmqtt_client *client, record *seen, const char *topic, loop *loop)
{
    int messages = tally_get(&seen->messages), published = tally_get(&seen->published), i;
    long long cpu, until;

#define UNTIL(condition) DO_UNTIL(condition, loop ? loop_turn(loop) : sleep_ms(1))
    for (i = 0; i < 20; i++)
        CHECK_OK(pmqtt_publish(client, topic, "x", 1, i % 3, false, NULL));
    UNTIL(tally_get(&seen->messages) == messages + 20 && tally_get(&seen->published) == published + 20);
    cpu = cpu_ms();
    until = now_ms() + WATCHED_MS;
    UNTIL(now_ms() > until);
    CHECK(cpu_ms() - cpu < WATCHED_MS / 2);
    CHECK_INT(tally_get(&seen->connects), 1);
    CHECK_INT(tally_get(&seen->disconnects), 0);
}

static void while_threads_sleep(void)
{
    record seen[2];
    pmqtt_client *clients[2];
    int i, kept = kept_by_exec();

    step("while loop threads sleep");
    memset(seen, 0, sizeof seen);
    for (i = 0; i < 2; i++) {
        clients[i] = new_client(&seen[i]);
        begin(clients[i], &seen[i], i == 0 ? "zero" : "one");
    }
    CHECK(pmqtt_event_fd(clients[1]) >= 0);
    CHECK_INT(kept_by_exec(), kept);
    fork_and_wait(clients, 2, false);
    fork_and_wait(clients, 2, true);
    goes_on(clients[0], &seen[0], "zero", NULL);
    goes_on(clients[1], &seen[1], "one", NULL);
    for (i = 0; i < 2; i++)
        client_free(clients[i]);
}

static tally is_in_callback, may_leave;

static void stay(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    (void)client;
    (void)userdata;
    (void)event;
    tally_add(&is_in_callback);
    WAIT_UNTIL(tally_get(&may_leave));
}

static void while_a_callback_runs(void)
{
    record seen = {0};
    pmqtt_client *client = new_client(&seen);

    step("while a callback runs in another thread");
    begin(client, &seen, "stay");
    CHECK_OK(pmqtt_message_callback_add(client, "stay", stay));
    CHECK_OK(pmqtt_publish(client, "stay", "x", 1, 1, false, NULL));
    WAIT_UNTIL(tally_get(&is_in_callback));
    fork_and_wait(&client, 1, false);
    tally_set(&may_leave, 1);
    CHECK_OK(pmqtt_message_callback_remove(client, "stay"));
    WAIT_UNTIL(tally_get(&seen.published) == 1);
    goes_on(client, &seen, "stay", NULL);
    client_free(client);
}

typedef struct publisher {
    pmqtt_client *client;
    pthread_t thread;
    tally stop;
    int taken;
} publisher;

static void *publish_on(void *argument)
{
    publisher *self = argument;

    while (!tally_get(&self->stop)) {
        int rc = pmqtt_publish(self->client, "busy", "payload", 7, 1, false, NULL);

        if (rc == PMQTT_ERR_QUEUE_SIZE) {
            sleep_ms(1);
            continue;
        }
        CHECK_OK(rc);
        self->taken++;
    }
    return NULL;
}

static void while_threads_publish(int forks)
{
    record seen = {0};
    pmqtt_client *client = new_client(&seen);
    publisher publishers[PUBLISHERS];
    int i, taken = 0;

    step("while threads publish, %d forks", forks);
    memset(publishers, 0, sizeof publishers);
    CHECK_OK(pmqtt_max_queued_messages_set(client, 100));
    begin(client, &seen, "another");
    for (i = 0; i < PUBLISHERS; i++) {
        publishers[i].client = client;
        CHECK_INT(pthread_create(&publishers[i].thread, NULL, publish_on, &publishers[i]), 0);
    }
    WAIT_UNTIL(tally_get(&seen.published) > 100);
    for (i = 0; i < forks; i++)
        fork_and_wait(&client, 1, i % 2 == 0);
    for (i = 0; i < PUBLISHERS; i++) {
        tally_set(&publishers[i].stop, 1);
        CHECK_INT(pthread_join(publishers[i].thread, NULL), 0);
        taken += publishers[i].taken;
    }
    WAIT_UNTIL(tally_get(&seen.published) == taken);
    goes_on(client, &seen, "another", NULL);
    client_free(client);
}

static void in_a_loop_of_the_program(const loop_kind *kind)
{
    record seen = {0};
    pmqtt_client *client;
    loop loop;

    step("in a loop of the program: %s", kind->name);
    loop_begin(&loop, kind);
    count_descriptors();
    client = new_client(&seen);
    loop_add(&loop, client);
    connect_to_broker(client);
    RUN_UNTIL(&loop, tally_get(&seen.connects) == 1);
    subscribe_to(client, "loop");
    RUN_UNTIL(&loop, tally_get(&seen.subscribed) == 1);
    fork_and_wait(&client, 1, false);
    goes_on(client, &seen, "loop", &loop);
    loop_end(&loop);
    client_free(client);
    count_descriptors();
}

static pid_t child_of_callback;
static int released;

static void release(void *userdata)
{
    CHECK(userdata == &released);
    released++;
}

static void fork_here(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    (void)userdata;
    (void)event;
    CHECK_OK(pmqtt_message_callback_remove(client, "here"));
    child_of_callback = fork();
}

/* The child returns from the callback, and from the loop call around it. */
static void in_a_callback(void)
{
    record seen = {0};
    pmqtt_client *client = new_client(&seen);
    pmqtt_message_handler handler = {.struct_size = sizeof handler, .filter = "here", .callback = fork_here,
                                     .userdata = &released, .release = release};

    step("in a callback");
    connect_to_broker(client);
    DO_UNTIL(tally_get(&seen.connects) == 1, pmqtt_loop(client, 20));
    subscribe_to(client, "here");
    DO_UNTIL(tally_get(&seen.subscribed) == 1, pmqtt_loop(client, 20));
    child_of_callback = -1;
    CHECK_OK(pmqtt_message_handler_add(client, &handler));
    handler.filter = "there";
    CHECK_OK(pmqtt_message_handler_add(client, &handler));
    CHECK_OK(pmqtt_publish(client, "here", "x", 1, 2, false, NULL));
    DO_UNTIL(child_of_callback != -1, pmqtt_loop(client, 20));
    if (child_of_callback == 0) {
        be_a_child(&client, 1, false);
        CHECK_INT(released, 0);
        end_child();
    }
    CHECK_INT(released, 1);
    wait_for(child_of_callback);
    CHECK_OK(pmqtt_loop_start(client));
    /* The message of the callback has its outcome, too. */
    WAIT_UNTIL(tally_get(&seen.published) == 1);
    goes_on(client, &seen, "here", NULL);
    client_free(client);
    CHECK_INT(released, 2);
}

static pid_t parent_of_callback;
static tally messages;

static void fork_once(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    (void)client;
    (void)userdata;
    (void)event;
    CHECK(getpid() == parent_of_callback);
    tally_add(&messages);
    if (child_of_callback == -1)
        child_of_callback = fork();
}

/* What else is to be called, for the same message and for those behind it, the parent calls. */
static void in_the_parent_alone(void)
{
    enum { COUNT = 10 };
    record seen = {0};
    pmqtt_client *client = new_client(&seen);
    int i;

    step("the child calls no other handler");
    connect_to_broker(client);
    DO_UNTIL(tally_get(&seen.connects) == 1, pmqtt_loop(client, 20));
    subscribe_to(client, "more");
    DO_UNTIL(tally_get(&seen.subscribed) == 1, pmqtt_loop(client, 20));
    child_of_callback = -1;
    parent_of_callback = getpid();
    tally_set(&messages, 0);
    CHECK_OK(pmqtt_message_callback_add(client, "more", fork_once));
    CHECK_OK(pmqtt_message_callback_add(client, "+", fork_once));
    for (i = 0; i < COUNT; i++)
        CHECK_OK(pmqtt_publish(client, "more", "x", 1, i % 3, false, NULL));
    sleep_ms(100); /* so that all come in one read */
    DO_UNTIL(child_of_callback != -1, pmqtt_loop(client, 20));
    if (child_of_callback == 0) {
        be_a_child(&client, 1, false);
        end_child();
    }
    wait_for(child_of_callback);
    DO_UNTIL(tally_get(&messages) == 2 * COUNT, pmqtt_loop(client, 20));
    client_free(client);
}

/* The usual way to become a daemon: the process that made the client ends. */
static void the_parent_is_gone(void)
{
    record seen = {0};
    int gone[2], done[2];
    char byte;
    pid_t parent;

    step("the parent is gone");
    CHECK_INT(pipe(done), 0);
    parent = fork();
    if (parent == 0) {
        pmqtt_client *client = new_client(&seen);

        begin(client, &seen, "parent");
        CHECK_INT(pipe(gone), 0);
        if (fork() != 0)
            end_child();
        close(gone[1]);
        CHECK_INT(read(gone[0], &byte, 1), 0);
        close(gone[0]);
        descriptors += 2;
        be_a_child(&client, 1, true);
        CHECK_INT(write(done[1], "", 1), 1);
        end_child();
    }
    close(done[1]);
    wait_for(parent);
    CHECK_INT(read(done[0], &byte, 1), 1);
    close(done[0]);
}

int main(int argc, char **argv)
{
    int forks = argc > 1 ? atoi(argv[1]) : FORKS;

    watchdog(240);
    if (argc > 2)
        tls_port = atoi(argv[2]) + 2;
    else
        broker_start();
    count_descriptors();
    while_threads_sleep();
    while_a_callback_runs();
    while_threads_publish(forks);
    in_a_loop_of_the_program(&EVENT_POLL_LOOP);
    in_a_loop_of_the_program(&EVENT_EPOLL_LOOP);
    in_a_loop_of_the_program(&INTEREST_LOOP);
    in_a_callback();
    in_the_parent_alone();
    the_parent_is_gone();
    return 0;
}
