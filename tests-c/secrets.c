/* A secret is nowhere in the memory of the process once the client is freed. */
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loops.h"
#include "record.h"
#include "tls_listeners.h"
#include "tls_server.h"

enum {
    SECRET = 64,
    /* The test looks for this much of the secret's end: an allocator overwrites the beginning of
     * freed memory. */
    TAIL = 24,
    MASK = 0x55
};

static int first_port;

/* The only copy in this program, masked. */
static unsigned char hidden[SECRET];

/* Writes the secret to a place from which a call takes it. */
static void reveal(char *to)
{
    int i;

    for (i = 0; i < SECRET; i++)
        to[i] = (char)(hidden[i] ^ MASK);
}

static void wipe(void *memory, size_t size)
{
    volatile char *bytes = memory;

    while (size > 0)
        bytes[--size] = 0;
}

/* Makes another secret, of letters. */
static void invent(void)
{
    static unsigned state = 1;
    int i;

    for (i = 0; i < SECRET; i++) {
        state = state * 1103515245u + 12345u;
        hidden[i] = (unsigned char)(('a' + (state >> 16) % 26) ^ MASK);
    }
}

/* How often the secret's end is in `bytes`. */
static int count_in(const unsigned char *bytes, size_t size)
{
    const unsigned char *end = hidden + SECRET - TAIL;
    size_t i;
    int k, found = 0;

    for (i = 0; i + TAIL <= size; i++) {
        for (k = 0; k < TAIL && (bytes[i + (size_t)k] ^ MASK) == end[k];)
            k++;
        found += k == TAIL;
    }
    return found;
}

/* How often the secret's end is in the writable memory of this process. */
static int count(void)
{
    static unsigned char piece[256 * 1024];
    unsigned long from, until, at;
    char line[512], mode[8];
    FILE *maps = fopen("/proc/self/maps", "r");
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    int found = 0;

    CHECK(maps != NULL && memory >= 0);
    while (fgets(line, sizeof line, maps)) {
        CHECK_INT(sscanf(line, "%lx-%lx %7s", &from, &until, mode), 3);
        if (mode[0] != 'r' || mode[1] != 'w')
            continue;
        for (at = from; at < until;) {
            size_t size = until - at < sizeof piece ? until - at : sizeof piece;
            ssize_t got;

            /* The pieces overlap. Without the wipe, reading this buffer would find the last piece. */
            wipe(piece, sizeof piece);
            got = pread(memory, piece, size, (off_t)at);
            if (got <= 0)
                break;
            found += count_in(piece, (size_t)got);
            if (at + (size_t)got >= until)
                break;
            at += (size_t)got - (TAIL - 1);
        }
    }
    wipe(piece, sizeof piece);
    fclose(maps);
    close(memory);
    return found;
}

static void set_password(pmqtt_client *client)
{
    char password[SECRET + 1] = "";

    reveal(password);
    CHECK_OK(pmqtt_username_pw_set(client, "somebody", password));
    wipe(password, sizeof password);
}

static void on_log(pmqtt_client *client, void *userdata, const pmqtt_log_line *line)
{
    (void)client, (void)userdata, (void)line;
}

/* Connects, is accepted, publishes and disconnects. */
static void talk(pmqtt_client *client, record *seen, const loop_kind *kind, int port)
{
    loop loop;
    int rc;

    loop_begin(&loop, kind);
    loop_add(&loop, client);
    /* s_server may not listen yet. */
    DO_UNTIL((rc = pmqtt_connect(client, "127.0.0.1", port, 60, NULL)) != PMQTT_ERR_ERRNO, sleep_ms(1));
    CHECK_OK(rc);
    RUN_UNTIL(&loop, tally_get(&seen->connects) == 1);
    CHECK_OK(pmqtt_publish(client, "t", "x", 1, 1, false, NULL));
    RUN_UNTIL(&loop, tally_get(&seen->published) == 1);
    CHECK_OK(pmqtt_disconnect(client));
    RUN_UNTIL(&loop, tally_get(&seen->disconnects) == 1);
    loop_end(&loop);
}

static void the_search_finds(void)
{
    char *copy = malloc(SECRET);

    step("the search finds what is there, and what was given back");
    invent();
    CHECK_INT(count(), 0);
    reveal(copy);
    CHECK_INT(count(), 1);
    wipe(copy, SECRET);
    CHECK_INT(count(), 0);
    free(copy);
}

static void passwords(const loop_kind *kind, bool with_log, int listener)
{
    record seen;
    pmqtt_client *client;

    step("a password, with %s, listener %d, log %d", kind->name, listener, with_log);
    invent();
    memset(&seen, 0, sizeof seen);
    client = recorded_client(NULL, &seen);
    if (with_log)
        pmqtt_on_log_set(client, on_log);
    if (listener != PLAIN)
        CHECK_OK(pmqtt_tls_set(client, "authority.pem", NULL, NULL, PMQTT_CERT_REQUIRED, 0, NULL));
    set_password(client);
    CHECK_INT(count(), 1);
    talk(client, &seen, kind, first_port + listener);
    CHECK_INT(count(), 1);
    CHECK_OK(pmqtt_username_pw_set(client, NULL, NULL));
    CHECK_INT(count(), 0);
    client_free(client);
    CHECK_INT(count(), 0);
}

static void passwords_that_are_replaced(void)
{
    record seen;
    pmqtt_client *client;

    step("a password that is replaced, forgotten, and freed");
    memset(&seen, 0, sizeof seen);
    client = recorded_client(NULL, &seen);
    invent();
    set_password(client);
    CHECK_OK(pmqtt_username_pw_set(client, "somebody", "else"));
    CHECK_INT(count(), 0);
    set_password(client);
    CHECK_OK(pmqtt_reinitialise(client, NULL, true, NULL));
    CHECK_INT(count(), 0);
    set_password(client);
    client_free(client);
    CHECK_INT(count(), 0);
}

static void passwords_that_never_leave(void)
{
    record seen;
    pmqtt_client *client;

    step("a password in a connection that is given up");
    memset(&seen, 0, sizeof seen);
    client = recorded_client(NULL, &seen);
    invent();
    set_password(client);
    CHECK_OK(pmqtt_connect(client, "127.0.0.1", first_port + PLAIN, 60, NULL));
    client_free(client);
    CHECK_INT(count(), 0);
}

/* No plugin of this broker knows SCRAM, so it refuses the connection. */
static void passwords_of_scram(void)
{
    char password[SECRET + 1] = "";
    pmqtt_client *client;
    int i;

    step("a password of SCRAM");
    invent();
    CHECK_OK(pmqtt_client_new(&client, NULL, true, NULL, PMQTT_PROTOCOL_V5));
    for (i = 0; i < 2; i++) {
        reveal(password);
        CHECK_OK(pmqtt_auth_scram_set(client, "somebody", password));
        wipe(password, sizeof password);
        CHECK_INT(count(), 1);
        CHECK_OK(pmqtt_connect(client, "127.0.0.1", first_port + PLAIN, 60, NULL));
        DO_UNTIL(pmqtt_loop(client, 10) == PMQTT_ERR_CONN_REFUSED, sleep_ms(0));
        if (i == 0) {
            CHECK_OK(pmqtt_auth_scram_set(client, NULL, NULL));
            CHECK_INT(count(), 0);
        }
    }
    pmqtt_client_free(client);
    CHECK_INT(count(), 0);
}

/* The program's data, which may be a token, in CONNECT. */
static void answer_with_secret(pmqtt_client *client, void *userdata, const pmqtt_auth_event *event)
{
    char data[SECRET];

    (void)userdata, (void)event;
    reveal(data);
    CHECK_OK(pmqtt_auth_answer(client, data, SECRET, NULL));
    wipe(data, sizeof data);
}

static void authentication_data(void)
{
    pmqtt_client *client;

    step("authentication data");
    invent();
    CHECK_OK(pmqtt_client_new(&client, NULL, true, NULL, PMQTT_PROTOCOL_V5));
    CHECK_OK(pmqtt_auth_set(client, "M", answer_with_secret));
    CHECK_OK(pmqtt_connect(client, "127.0.0.1", first_port + PLAIN, 60, NULL));
    DO_UNTIL(pmqtt_loop(client, 10) == PMQTT_ERR_CONN_REFUSED, sleep_ms(0));
    CHECK_INT(count(), 0);
    pmqtt_client_free(client);
}

static void keys_that_both_sides_know(const char *version)
{
    char options[300] = "-quiet -naccept 1 -nocert -psk_identity somebody ", key[SECRET];
    record seen;
    pmqtt_client *client;
    int i;

    step("a key that both sides know, %s", version);
    invent();
    strcat(options, version);
    strcat(options, " -psk ");
    for (i = 0; i < SECRET; i++)
        sprintf(options + strlen(options), "%02x", hidden[i] ^ MASK);
    tls_server_start_before(first_port + PLAIN, options);
    memset(&seen, 0, sizeof seen);
    client = recorded_client(NULL, &seen);
    reveal(key);
    CHECK_OK(pmqtt_tls_psk_set(client, "somebody", key, SECRET));
    wipe(key, sizeof key);
    talk(client, &seen, &STEP_LOOP, tls_server_port());
    client_free(client);
    CHECK_INT(count(), 0);
    tls_server_kill();
}

static int on_password(pmqtt_client *client, void *userdata, char *buf, size_t size)
{
    (void)client, (void)userdata;
    CHECK(size >= SECRET);
    reveal(buf);
    return SECRET;
}

/* Runs in another process, whose memory ends with it. */
static void apart(void (*something)(void))
{
    pid_t child = fork();
    int status;

    CHECK(child >= 0);
    if (child == 0) {
        something();
        _exit(0);
    }
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK_INT(status, 0);
}

static void lock_key(void)
{
    BIO *from = BIO_new_file("client.key", "r"), *to = BIO_new_file("secret.key", "w");
    EVP_PKEY *key = PEM_read_bio_PrivateKey(from, NULL, NULL, NULL);
    char password[SECRET];

    reveal(password);
    CHECK(key != NULL);
    CHECK_INT(PEM_write_bio_PKCS8PrivateKey(to, key, EVP_aes_256_cbc(), password, SECRET, NULL, NULL), 1);
    BIO_free(from);
    BIO_free(to);
}

static void passwords_of_keys(void)
{
    record seen;
    pmqtt_client *client;

    step("a key's password");
    invent();
    apart(lock_key);
    memset(&seen, 0, sizeof seen);
    client = recorded_client(NULL, &seen);
    CHECK_OK(pmqtt_tls_key_password_set(client, on_password));
    CHECK_OK(pmqtt_tls_set(client, "authority.pem", "client.pem", "secret.key", PMQTT_CERT_REQUIRED, 0, NULL));
    CHECK_INT(count(), 0);
    client_free(client);
}

static size_t read_file(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length;

    CHECK(fd >= 0);
    length = read(fd, text, size - 1);
    CHECK(length > 0);
    text[length] = '\0';
    close(fd);
    return (size_t)length;
}

/* The secret is the end of the key's first line and the beginning of its second one: OpenSSL splits
 * the text into lines, and does not wipe them. */
static void keys(bool in_file)
{
    static char certificate[8192], text[8192];
    const char *second;
    record seen;
    pmqtt_client *client;
    int i;

    step("a key, in a file %d", in_file);
    read_file("client.pem", certificate, sizeof certificate);
    read_file("client.key", text, sizeof text);
    second = strchr(text, '\n');
    CHECK(second != NULL && second - text > TAIL);
    for (i = 0; i < TAIL; i++)
        hidden[SECRET - TAIL + i] = (unsigned char)(second[i - TAIL / 2] ^ MASK);
    CHECK_INT(count(), 1);
    memset(&seen, 0, sizeof seen);
    client = recorded_client(NULL, &seen);
    if (in_file) {
        wipe(text, sizeof text);
        CHECK_OK(pmqtt_tls_set(client, "authority.pem", "client.pem", "client.key", PMQTT_CERT_REQUIRED, 0, NULL));
    } else {
        CHECK_OK(pmqtt_tls_pem_set(client, certificate, certificate, text, PMQTT_CERT_REQUIRED, 0, NULL));
        wipe(text, sizeof text);
    }
    CHECK_INT(count(), 0);
    client_free(client);
}

int main(int argc, char **argv)
{
    CHECK_INT(argc, 2);
    first_port = atoi(argv[1]);
    watchdog(240);
    the_search_finds();
    passwords(&STEP_LOOP, false, PLAIN);
    passwords(&STEP_LOOP, true, PLAIN);
    passwords(&THREAD_LOOP, true, PLAIN);
    passwords(&EVENT_POLL_LOOP, false, ADDRESSED);
    passwords_that_are_replaced();
    passwords_that_never_leave();
    passwords_of_scram();
    authentication_data();
    keys_that_both_sides_know("-tls1_3");
    keys_that_both_sides_know("-tls1_2");
    passwords_of_keys();
    keys(false);
    keys(true);
    return 0;
}
