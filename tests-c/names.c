/* Names that no name server answers, and many clients that ask for them. There are few threads, each
 * client gets its timeout in time, and no other name is delayed:
 *   names [HOW_MANY] */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "ports.h"
#include "process.h"
#include "tally.h"
#include "wait.h"

enum {
    THOUSANDS = 3000,
    /* The bound that the library promises. */
    MOST_THREADS = 16,
    MOST_HOSTS = 16,
    TIMEOUT_MS = 1000,
    /* For each client: its wake-up, and that of its look-up; each may be a pair of sockets. */
    DESCRIPTORS = 4,
    OTHERS = 100,
    /* A header, the end of a question, and the records of one answer. */
    HEADER = 12,
    RECORD = 24,
    RECORDS = 2600
};

typedef struct member {
    pmqtt_client *client;
    char host[32];
    int timeout_ms;
    long long begun;
    int failures, rc;
} member;

static member *members;
static int count, told;

/* Calls of getaddrinfo that hang, and those that have ended. */
static tally asked, ended;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t released = PTHREAD_COND_INITIALIZER;
static bool is_silent = true;

/* The library finds this function instead of libc's: it answers only one name at once. */
int getaddrinfo(const char *restrict host, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict out)
{
    int (*libc)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

    if (strcmp(host, "good.example") == 0) {
        *(void **)&libc = dlsym(RTLD_NEXT, "getaddrinfo");
        return libc("127.0.0.1", service, hints, out);
    }
    tally_add(&asked);
    pthread_mutex_lock(&lock);
    while (is_silent)
        pthread_cond_wait(&released, &lock);
    pthread_mutex_unlock(&lock);
    tally_add(&ended);
    return EAI_AGAIN;
}

/* The answer for a domain that names thousands of hosts. */
int res_send(const unsigned char *question, int question_len, unsigned char *answer, int answer_len)
{
    int length = question_len;
    int i;

    CHECK(answer_len >= question_len + RECORDS * RECORD);
    memcpy(answer, question, (size_t)question_len);
    answer[2] |= 0x80;
    answer[6] = RECORDS >> 8;
    answer[7] = RECORDS & 0xff;
    for (i = 0; i < RECORDS; i++) {
        const unsigned char record[RECORD] = {
            0xc0, HEADER, 0, 33, 0, 1, 0, 0, 0, 60, 0, 12, 0, 1, 0, 1, 7, 91,
            3, (unsigned char)('a' + i / 676), (unsigned char)('a' + i / 26 % 26),
            (unsigned char)('a' + i % 26), 0xc0, HEADER};

        memcpy(answer + length, record, RECORD);
        length += RECORD;
    }
    return length;
}

static void set_silent(bool silent)
{
    pthread_mutex_lock(&lock);
    is_silent = silent;
    pthread_cond_broadcast(&released);
    pthread_mutex_unlock(&lock);
}

/* Calls that hang return, and the threads end. */
static void release(void)
{
    set_silent(false);
    WAIT_UNTIL(threads() == 1);
    CHECK_INT(tally_get(&ended), tally_get(&asked));
    set_silent(true);
    tally_set(&asked, 0);
    tally_set(&ended, 0);
}

static void on_connect_fail(pmqtt_client *client, void *userdata, const pmqtt_connect_failed *event)
{
    member *self = userdata;
    const long long took = now_ms() - self->begun;

    (void)client;
    self->failures++;
    self->rc = event->rc;
    told++;
    if (event->rc == PMQTT_ERR_TIMEOUT)
        CHECK(took >= self->timeout_ms && took < self->timeout_ms + PATIENCE_MS / 4);
}

static void begin(member *self, const char *host, int timeout_ms)
{
    self->failures = 0;
    self->timeout_ms = timeout_ms;
    CHECK_OK(pmqtt_client_new(&self->client, NULL, true, self, 0));
    CHECK_OK(pmqtt_on_connect_fail_set(self->client, on_connect_fail));
    CHECK_OK(pmqtt_connect_timeout_set(self->client, timeout_ms));
    self->begun = now_ms();
    CHECK_OK(pmqtt_connect_async(self->client, host, NO_PORT, 60, NULL));
    CHECK_OK(pmqtt_loop(self->client, 0));
}

static void turn(void)
{
    int i;

    for (i = 0; i < count; i++)
        if (members[i].client != NULL && members[i].failures == 0)
            pmqtt_loop(members[i].client, 0);
    sleep_ms(1);
}

/* `most` is how many threads may run in addition to this one. */
static void ask_for(const char *pattern, int most)
{
    int i;

    step("%d clients ask for %s", count, pattern);
    told = 0;
    for (i = 0; i < count; i++) {
        snprintf(members[i].host, sizeof members[i].host, pattern, i);
        begin(&members[i], members[i].host, TIMEOUT_MS + i % 5 * 200);
        CHECK(threads() <= 1 + most);
    }
    DO_UNTIL(told == count, turn());
    CHECK(threads() <= 1 + most);
    CHECK_INT(tally_get(&asked), most);
    for (i = 0; i < count; i++) {
        CHECK_INT(members[i].failures, 1);
        CHECK_INT(members[i].rc, PMQTT_ERR_TIMEOUT);
        pmqtt_client_free(members[i].client);
        members[i].client = NULL;
    }
    /* Look-ups that were given up are not made any more. */
    release();
}

static void pass_by(void)
{
    int i;

    step("a name is not held up by others that hang");
    told = 0;
    for (i = 0; i < MOST_THREADS - 1; i++) {
        snprintf(members[i].host, sizeof members[i].host, "silent%d.example", i);
        begin(&members[i], members[i].host, 2 * PATIENCE_MS);
    }
    begin(&members[i], "good.example", 2 * PATIENCE_MS);
    DO_UNTIL(members[i].failures == 1, turn());
    CHECK_INT(members[i].rc, PMQTT_ERR_ERRNO);
    CHECK_INT(told, 1);
    for (; i >= 0; i--) {
        pmqtt_client_free(members[i].client);
        members[i].client = NULL;
    }
    release();
}

static void distrust_a_domain(void)
{
    pmqtt_client *client;

    step("a domain names %d hosts", RECORDS);
    CHECK_OK(pmqtt_client_new(&client, NULL, true, NULL, 0));
    CHECK_OK(pmqtt_connect_timeout_set(client, TIMEOUT_MS));
    CHECK_RC(pmqtt_connect_srv(client, "example.test", 60, NULL), PMQTT_ERR_TIMEOUT);
    CHECK(tally_get(&asked) <= MOST_HOSTS);
    CHECK(threads() <= 1 + MOST_THREADS);
    pmqtt_client_free(client);
    release();
}

static void allow_descriptors(void)
{
    const rlim_t needed = (rlim_t)count * DESCRIPTORS + OTHERS;
    struct rlimit limit;

    CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < needed) {
        limit.rlim_cur = needed;
        if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < needed)
            limit.rlim_max = needed; /* root may */
        CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
    }
}

int main(int argc, char **argv)
{
    watchdog(240);
    count = argc > 1 ? atoi(argv[1]) : THOUSANDS;
    CHECK(count > MOST_THREADS);
    allow_descriptors();
    members = calloc((size_t)count, sizeof *members);
    CHECK(members != NULL);
    ask_for("silent.example", 1);
    ask_for("silent%d.example", MOST_THREADS);
    pass_by();
    distrust_a_domain();
    free(members);
    return 0;
}
