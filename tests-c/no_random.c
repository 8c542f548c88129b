/* A system without random numbers: no getrandom, and no file to read them from, as in a jail.
 * Clients work as usual; TLS needs better random numbers, and returns why it cannot be used. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "ports.h"
#include "record.h"
#include "wait.h"

#define FAILS_WITH(call, error)                           \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (call), 0, 1),    \
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))

static void take_random_numbers_away(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        FAILS_WITH(SYS_getrandom, ENOSYS),
        FAILS_WITH(SYS_openat, ENOENT),
#ifdef SYS_open
        FAILS_WITH(SYS_open, ENOENT),
#endif
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};

    CHECK_INT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    CHECK_INT(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static void ids_differ(void)
{
    pmqtt_client *one = client_new(NULL, NULL), *other = client_new(NULL, NULL);

    step("ids differ");
    CHECK_INT(strlen(pmqtt_client_id(one)), 22);
    CHECK(strcmp(pmqtt_client_id(one), pmqtt_client_id(other)) != 0);
    client_free(one);
    client_free(other);
}

static void a_client_tries_again(void)
{
    record seen = {0};
    pmqtt_client *client = recorded_client(NULL, &seen);

    step("a client tries again");
    CHECK_OK(pmqtt_reconnect_delay_set(client, 1, 1));
    CHECK_OK(pmqtt_connect_async(client, "127.0.0.1", NO_PORT, 60, NULL));
    CHECK_OK(pmqtt_loop_start(client));
    WAIT_UNTIL(tally_get(&seen.connect_fails) == 2);
    CHECK_OK(pmqtt_loop_stop(client));
    client_free(client);
}

static void tls_says_why_not(void)
{
    pmqtt_client *client = client_new(NULL, NULL);
    char text[500];

    step("TLS says why not");
    CHECK_RC(pmqtt_tls_set(client, NULL, NULL, NULL, PMQTT_CERT_NONE, 0, NULL), PMQTT_ERR_TLS);
    pmqtt_last_error(client, text, sizeof text);
    CHECK(strstr(text, "tls: context: ") && strlen(text) > strlen("tls: context: "));
    client_free(client);
}

int main(void)
{
    watchdog(100);
    take_random_numbers_away();
    ids_differ();
    a_client_tries_again();
    tls_says_why_not();
    return 0;
}
