#include "puppet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wait.h"

/* Each packet of a client has to fit into `in`, except those that are never read.  With more than
 * FULL to send it reads no more, as the answers might not fit. */
enum { CONNECTIONS = 8, IN = 64 * 1024, OUT = 4 * IN, FULL = OUT - 2 * IN };

/* The size of one send, and of what waits for the client: more than it reads at once.  Little waits
 * to be read here. */
enum { BLOCK = 1 << 20, SEND_BUFFER = 4 << 20, RECEIVE_BUFFER = 64 * 1024 };

enum { CONNECT = 1, PUBLISH = 3, PUBREL = 6, SUBSCRIBE = 8, UNSUBSCRIBE = 10, PINGREQ = 12, DISCONNECT = 14 };

/* Topic "t", a packet identifier at QoS 1, and one byte of payload. */
static const unsigned char MESSAGE_0[] = {0x30, 4, 0, 1, 't', '!'};
static const unsigned char MESSAGE_1[] = {0x32, 6, 0, 1, 't', 0, 0, '!'};

struct connection {
    int fd;
    bool accepted, leaves, is_over;
    int messages;
    int heard_at;
    /* The rest of a block; answers have to wait for its end. */
    const unsigned char *rest;
    size_t rest_size;
    size_t in_end, out_begin, out_end;
    unsigned char in[IN], out[OUT];
};

struct puppet_inside {
    pthread_t thread;
    long long begin;
    int listener;
    /* A byte wakes the thread, which then reads its orders. */
    int orders[2];
    tally ends, drops, messages, stops_reading, floods, floods_goodbyes;
    /* Complete messages, for each QoS. */
    size_t block_size[2];
    unsigned char block[2][BLOCK];
    struct connection *connections[CONNECTIONS];
};

int puppet_now(const puppet *self)
{
    return (int)(now_ms() - self->inside->begin);
}

static void put(struct connection *connection, const void *bytes, size_t size)
{
    if (connection->out_begin == connection->out_end)
        connection->out_begin = connection->out_end = 0;
    if (size > OUT - connection->out_end) {
        connection->out_end -= connection->out_begin;
        memmove(connection->out, connection->out + connection->out_begin, connection->out_end);
        connection->out_begin = 0;
    }
    CHECK(size <= OUT - connection->out_end);
    memcpy(connection->out + connection->out_end, bytes, size);
    connection->out_end += size;
}

/* The answer to a packet, whose identifier is at `id`. */
static void answer(struct connection *connection, const char *begin, const unsigned char *id, const char *end)
{
    put(connection, begin, 2);
    put(connection, id, 2);
    put(connection, end, strlen(end));
}

static void handle_publish(puppet *self, struct connection *connection, int flags, const unsigned char *body)
{
    size_t topic = (size_t)body[0] << 8 | body[1];

    tally_add(&self->publishes);
    if (topic == strlen(PUPPET_ANSWER) && memcmp(body + 2, PUPPET_ANSWER, topic) == 0 &&
        tally_get(&self->answered_at) == 0)
        tally_set(&self->answered_at, puppet_now(self));
    if ((flags & 6) == 2)
        answer(connection, "\x40\x02", body + 2 + topic, "");
    if ((flags & 6) == 4)
        answer(connection, "\x50\x02", body + 2 + topic, "");
}

static void handle(puppet *self, struct connection *connection, const unsigned char *packet,
                   const unsigned char *body)
{
    switch (packet[0] >> 4) {
    case CONNECT:
        put(connection, "\x20\x02\0\0", 4);
        connection->accepted = true;
        tally_add(&self->connects);
        break;
    case PUBLISH:
        handle_publish(self, connection, packet[0] & 15, body);
        break;
    case PUBREL:
        answer(connection, "\x70\x02", body, "");
        break;
    case SUBSCRIBE:
        tally_add(&self->subscribes);
        answer(connection, "\x90\x03", body, "\x01");
        break;
    case UNSUBSCRIBE:
        answer(connection, "\xb0\x02", body, "");
        break;
    case PINGREQ:
        tally_add(&self->pings);
        put(connection, "\xd0\0", 2);
        break;
    case DISCONNECT:
        tally_add(&self->disconnects);
        connection->leaves = true;
        connection->is_over = !tally_get(&self->inside->floods_goodbyes);
        break;
    }
}

/* The size of the next packet and of its fixed header; 0 if it is incomplete. */
static size_t whole(const unsigned char *bytes, size_t size, size_t *header)
{
    size_t length = 0, i;

    for (i = 1; i < size && i < 5; i++) {
        length |= (size_t)(bytes[i] & 127) << 7 * (i - 1);
        if (!(bytes[i] & 128)) {
            *header = i + 1;
            CHECK(i + 1 + length <= IN);
            return i + 1 + length <= size ? i + 1 + length : 0;
        }
    }
    return 0;
}

static void note_silence(puppet *self, struct connection *connection)
{
    int silence = puppet_now(self) - connection->heard_at;

    if (connection->accepted && silence > tally_get(&self->longest_silence))
        tally_set(&self->longest_silence, silence);
}

static bool is_deaf(const puppet *self, const struct connection *connection)
{
    return connection->accepted && tally_get(&self->inside->stops_reading);
}

static void hear(puppet *self, struct connection *connection)
{
    size_t begin = 0, size, header;
    ssize_t count;

    if (is_deaf(self, connection))
        return;
    count = recv(connection->fd, connection->in + connection->in_end, IN - connection->in_end, 0);
    if (count < 0 && errno == EAGAIN)
        return;
    if (count <= 0) {
        connection->is_over = true;
        return;
    }
    note_silence(self, connection);
    connection->heard_at = puppet_now(self);
    connection->in_end += (size_t)count;
    while ((size = whole(connection->in + begin, connection->in_end - begin, &header)) > 0) {
        handle(self, connection, connection->in + begin, connection->in + begin + header);
        begin += size;
    }
    connection->in_end -= begin;
    memmove(connection->in, connection->in + begin, connection->in_end);
}

/* The QoS that this client is flooded with; -1: none. */
static int flood_of(const puppet *self, const struct connection *connection)
{
    if (!connection->accepted)
        return -1;
    return connection->leaves ? 0 : tally_get(&self->inside->floods) - 1;
}

static void fill(puppet *self, struct connection *connection)
{
    struct puppet_inside *inside = self->inside;
    int qos = flood_of(self, connection);

    if (connection->rest_size > 0 || connection->out_begin < connection->out_end)
        return;
    if (qos >= 0) {
        connection->rest = inside->block[qos];
        connection->rest_size = inside->block_size[qos];
    } else if (connection->messages > 0) {
        size_t messages = inside->block_size[0] / sizeof MESSAGE_0;

        if (messages > (size_t)connection->messages)
            messages = (size_t)connection->messages;
        connection->rest = inside->block[0];
        connection->rest_size = messages * sizeof MESSAGE_0;
        connection->messages -= (int)messages;
    }
}

/* Sends once; false if there is nothing to send, or no room for it. */
static bool speak_once(puppet *self, struct connection *connection)
{
    const unsigned char *bytes;
    size_t size;
    ssize_t count;

    fill(self, connection);
    bytes = connection->rest_size > 0 ? connection->rest : connection->out + connection->out_begin;
    size = connection->rest_size > 0 ? connection->rest_size : connection->out_end - connection->out_begin;
    if (size == 0)
        return false;
    count = send(connection->fd, bytes, size, MSG_NOSIGNAL);
    if (count < 0) {
        connection->is_over |= errno != EAGAIN;
        return false;
    }
    if (connection->rest_size > 0) {
        connection->rest += count;
        connection->rest_size -= (size_t)count;
    } else {
        connection->out_begin += (size_t)count;
    }
    return true;
}

/* Sends several times, so that a client that reads without a pause always finds something. */
static void speak(puppet *self, struct connection *connection)
{
    int i;

    for (i = 0; i < 16 && speak_once(self, connection); i++)
        ;
}

static short events_of(const puppet *self, const struct connection *connection)
{
    size_t out = connection->out_end - connection->out_begin;
    bool writes = out > 0 || connection->rest_size > 0 || connection->messages > 0 || flood_of(self, connection) >= 0;

    return (short)((is_deaf(self, connection) || out > FULL ? 0 : POLLIN) | (writes ? POLLOUT : 0));
}

static void take_in(struct puppet_inside *inside, int now)
{
    int fd = accept(inside->listener, NULL, NULL);
    int i;

    CHECK(fd >= 0);
    CHECK_INT(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    for (i = 0; inside->connections[i]; i++)
        CHECK(i < CONNECTIONS - 1);
    inside->connections[i] = calloc(1, sizeof *inside->connections[i]);
    CHECK(inside->connections[i] != NULL);
    inside->connections[i]->fd = fd;
    inside->connections[i]->heard_at = now;
}

static void take_orders(struct puppet_inside *inside)
{
    char bytes[64];
    bool drops = tally_get(&inside->drops);
    int messages = tally_get(&inside->messages);
    int i;

    CHECK(read(inside->orders[0], bytes, sizeof bytes) > 0);
    tally_set(&inside->drops, 0);
    tally_set(&inside->messages, 0);
    for (i = 0; i < CONNECTIONS; i++) {
        if (inside->connections[i]) {
            inside->connections[i]->is_over |= drops;
            inside->connections[i]->messages += inside->connections[i]->accepted ? messages : 0;
        }
    }
}

static void let_go(struct connection **connection)
{
    close((*connection)->fd);
    free(*connection);
    *connection = NULL;
}

static void turn(puppet *self)
{
    struct puppet_inside *inside = self->inside;
    struct pollfd fds[2 + CONNECTIONS] = {{inside->listener, POLLIN, 0}, {inside->orders[0], POLLIN, 0}};
    int i;

    for (i = 0; i < CONNECTIONS; i++) {
        const struct connection *connection = inside->connections[i];

        fds[2 + i].fd = connection ? connection->fd : -1;
        fds[2 + i].events = connection ? events_of(self, connection) : 0;
    }
    CHECK(poll(fds, 2 + CONNECTIONS, -1) >= 0);
    if (fds[1].revents)
        take_orders(inside);
    for (i = 0; i < CONNECTIONS; i++) {
        struct connection *connection = inside->connections[i];

        if (fds[2 + i].revents & POLLIN)
            hear(self, connection);
        else if (fds[2 + i].revents & (POLLERR | POLLHUP))
            connection->is_over = true;
        if (connection && !connection->is_over && fds[2 + i].revents & (POLLIN | POLLOUT))
            speak(self, connection);
        if (connection && connection->is_over)
            let_go(&inside->connections[i]);
    }
    if (fds[0].revents)
        take_in(inside, puppet_now(self));
}

static void *run(void *argument)
{
    puppet *self = argument;
    int i;

    while (!tally_get(&self->inside->ends))
        turn(self);
    for (i = 0; i < CONNECTIONS; i++) {
        if (self->inside->connections[i]) {
            note_silence(self, self->inside->connections[i]);
            let_go(&self->inside->connections[i]);
        }
    }
    return NULL;
}

static void make_blocks(struct puppet_inside *inside)
{
    enum { FIRST_ID = 5 };
    size_t i;

    for (i = 0; (i + 1) * sizeof MESSAGE_0 <= BLOCK; i++)
        memcpy(inside->block[0] + i * sizeof MESSAGE_0, MESSAGE_0, sizeof MESSAGE_0);
    inside->block_size[0] = i * sizeof MESSAGE_0;
    for (i = 0; (i + 1) * sizeof MESSAGE_1 <= BLOCK && i < 65535; i++) {
        unsigned char *message = inside->block[1] + i * sizeof MESSAGE_1;

        memcpy(message, MESSAGE_1, sizeof MESSAGE_1);
        message[FIRST_ID] = (unsigned char)((i + 1) >> 8);
        message[FIRST_ID + 1] = (unsigned char)(i + 1);
    }
    inside->block_size[1] = i * sizeof MESSAGE_1;
}

static void set_buffer(int fd, int which, int size)
{
    CHECK_INT(setsockopt(fd, SOL_SOCKET, which, &size, sizeof size), 0);
}

void puppet_begin(puppet *self)
{
    struct puppet_inside *inside = calloc(1, sizeof *inside);
    struct sockaddr_in address = {0};
    socklen_t length = sizeof address;

    CHECK(inside != NULL);
    memset(self, 0, sizeof *self);
    self->inside = inside;
    inside->begin = now_ms();
    make_blocks(inside);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    inside->listener = socket(AF_INET, SOCK_STREAM, 0);
    set_buffer(inside->listener, SO_SNDBUF, SEND_BUFFER);
    set_buffer(inside->listener, SO_RCVBUF, RECEIVE_BUFFER);
    CHECK_INT(bind(inside->listener, (struct sockaddr *)&address, sizeof address), 0);
    CHECK_INT(listen(inside->listener, 16), 0);
    CHECK_INT(getsockname(inside->listener, (struct sockaddr *)&address, &length), 0);
    self->port = ntohs(address.sin_port);
    CHECK_INT(pipe(inside->orders), 0);
    CHECK_INT(pthread_create(&inside->thread, NULL, run, self), 0);
}

static void wake(const puppet *self)
{
    CHECK_INT(write(self->inside->orders[1], "", 1), 1);
}

void puppet_end(puppet *self)
{
    struct puppet_inside *inside = self->inside;

    tally_set(&inside->ends, 1);
    wake(self);
    CHECK_INT(pthread_join(inside->thread, NULL), 0);
    close(inside->listener);
    close(inside->orders[0]);
    close(inside->orders[1]);
    free(inside);
}

void puppet_send(puppet *self, int messages)
{
    tally_set(&self->inside->messages, messages);
    wake(self);
}

void puppet_flood(puppet *self, int qos)
{
    tally_set(&self->inside->floods, qos + 1);
    wake(self);
}

void puppet_flood_goodbyes(puppet *self)
{
    tally_set(&self->inside->floods_goodbyes, 1);
}

void puppet_stop_reading(puppet *self)
{
    tally_set(&self->inside->stops_reading, 1);
    wake(self);
}

void puppet_drop(puppet *self)
{
    tally_set(&self->inside->drops, 1);
    wake(self);
}
