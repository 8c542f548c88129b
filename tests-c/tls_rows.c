#include "tls_rows.h"

#include <stdlib.h>
#include <string.h>

#include "loops.h"
#include "openssl_queue.h"
#include "record.h"
#include "tls_server.h"

#define IDENTITY(name) "-cert " name ".pem -key " name ".key"

/* The same as the broker's listeners, in s_server's options. */
static const char *const OPTIONS[] = {
    [NAMED] = IDENTITY("named"),
    [ADDRESSED] = IDENTITY("addressed"),
    [WILDCARD] = IDENTITY("wildcard"),
    [EXPIRED] = IDENTITY("expired"),
    [EARLY] = IDENTITY("early"),
    [ALONE] = IDENTITY("alone"),
    [DEMANDING] = IDENTITY("addressed") " -CAfile authority.pem -Verify 1 -verify_return_error",
    [MODERN] = IDENTITY("addressed") " -tls1_3",
    [PSK] = "-nocert -psk_identity somebody -psk 00112233445566778899aabbccddeeff",
    [CHOOSING] = IDENTITY("addressed") " -alpn x-amzn-mqtt-ca",
    [DATED] = IDENTITY("addressed") " -tls1_2",
    [ANCIENT] = IDENTITY("addressed") " -tls1 -cipher DEFAULT@SECLEVEL=0",
};

static int first_port;

/* The user data, which begins with a record for its callbacks. */
typedef struct attempt {
    record seen;
    const row *row;
} attempt;

int set_files(pmqtt_client *client, const row *row)
{
    return pmqtt_tls_set(client, row->ca, row->cert, row->key, row->reqs, row->version, row->ciphers);
}

static int on_password(pmqtt_client *client, void *userdata, char *buf, size_t size)
{
    const attempt *self = userdata;
    size_t length = strlen(self->row->password);

    (void)client;
    CHECK(length <= size);
    queue_check();
    memcpy(buf, self->row->password, length);
    return (int)length;
}

/* s_server may not listen yet. */
static int connect_to(pmqtt_client *client, int port)
{
    int rc;

    DO_UNTIL((rc = pmqtt_connect(client, "127.0.0.1", port, 60, NULL)) != PMQTT_ERR_ERRNO, sleep_ms(1));
    queue_check();
    return rc;
}

/* Checks in each turn of the loop that the library leaves the program's errors in OpenSSL's queue. */
static void turn(loop *loop)
{
    loop_turn(loop);
    queue_check();
}

/* The first number that is not 0: from setting TLS, from the connect, or from what follows. */
static int outcome(pmqtt_client *client, loop *loop, record *seen, const row *row, int port)
{
    int rc;

    queue_fill();
    rc = row->set ? row->set(client, row) : set_files(client, row);
    queue_check();
    if (rc == PMQTT_ERR_SUCCESS)
        rc = connect_to(client, port);
    if (rc != PMQTT_ERR_SUCCESS)
        return rc;
    DO_UNTIL(tally_get(&seen->connects) == 1 || tally_get(&seen->disconnects) == 1 ||
                 tally_get(&seen->connect_fails) == 1,
             turn(loop));
    if (tally_get(&seen->connect_fails) == 1)
        return tally_get(&seen->connect_fail_rc);
    if (tally_get(&seen->disconnects) == 1)
        return tally_get(&seen->disconnect_rc);
    CHECK_OK(pmqtt_subscribe(client, "round", 1, NULL));
    CHECK_OK(pmqtt_publish(client, "round", "x", 1, 1, false, NULL));
    DO_UNTIL(tally_get(&seen->messages) == 1, turn(loop));
    CHECK_OK(pmqtt_disconnect(client));
    DO_UNTIL(tally_get(&seen->disconnects) == 1, turn(loop));
    return PMQTT_ERR_SUCCESS;
}

static void play(const row *row, int port)
{
    attempt self;
    pmqtt_client *client;
    loop loop;
    char error[400];
    int rc;

    memset(&self, 0, sizeof self);
    self.row = row;
    client = recorded_client(NULL, &self.seen);
    if (row->password)
        CHECK_OK(pmqtt_tls_key_password_set(client, on_password));
    CHECK_OK(pmqtt_tls_server_name_set(client, row->server_name));
    loop_begin(&loop, &STEP_LOOP);
    loop_add(&loop, client);
    rc = outcome(client, &loop, &self.seen, row, port);
    pmqtt_last_error(client, error, sizeof error);
    CHECK_RC(rc, row->rc);
    if (row->error)
        CHECK_TEXT(error, row->error);
    loop_end(&loop);
    client_free(client);
    queue_check();
}

static void play_with_s_server(const row *row)
{
    char options[300] = "-quiet -naccept 1 ";

    strcat(options, OPTIONS[row->listener]);
    tls_server_start_before(first_port + PLAIN, options);
    play(row, tls_server_port());
    tls_server_kill();
}

int play_rows(int argc, char **argv, const row rows[], size_t count)
{
    size_t i;

    CHECK_INT(argc, 2);
    first_port = atoi(argv[1]);
    watchdog(240);
    for (i = 0; i < count; i++) {
        if (rows[i].listener <= PSK) {
            step("%s, with mosquitto", rows[i].name);
            play(&rows[i], first_port + rows[i].listener);
        }
        if (rows[i].listener != PLAIN) {
            step("%s, with s_server", rows[i].name);
            play_with_s_server(&rows[i]);
        }
    }
    return 0;
}
