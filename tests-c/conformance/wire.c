#include "wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "ports.h"

enum { TYPES = 16, NO_TYPE = TYPES };

/* The packets of one type in one way. */
struct packets {
    int count;
    size_t bytes;
    /* The last one. */
    unsigned char *last;
    size_t last_length;
};

struct wire {
    const char *host;
    int broker_port;
    int listener;
    tape *tape;
    pthread_mutex_t lock;
    struct packets packets[2][TYPES];
    /* Of the connection of now, for each way: where packets go to, which type is lost, and whether one
     * was. */
    bool open;
    int to[2];
    int lose[2];
    bool has_lost[2];
};

/* One way of one connection. */
struct pump {
    wire *wire;
    enum way way;
    int from;
};

static int connect_to(const char *host, int port)
{
    struct sockaddr_in at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    CHECK(fd >= 0);
    memset(&at, 0, sizeof at);
    at.sin_family = AF_INET;
    at.sin_port = htons((uint16_t)port);
    CHECK_INT(inet_pton(AF_INET, host, &at.sin_addr), 1);
    CHECK_INT(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

static void send_at_once(int fd)
{
    int one = 1;

    CHECK_INT(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one), 0);
}

/* The length of the packet that begins here; 0: more bytes are needed to know it. */
static size_t packet_length(const unsigned char *bytes, size_t available)
{
    size_t length = 0, i;

    for (i = 1; i <= 4 && i < available; i++) {
        length |= (size_t)(bytes[i] & 0x7f) << 7 * (i - 1);
        if (bytes[i] < 0x80)
            return length + i + 1;
    }
    CHECK(i <= 4);
    return 0;
}

/* A peer that is gone is no fault here: the other pump ends with it. */
static void send_all(int fd, const unsigned char *bytes, size_t length)
{
    ssize_t sent;

    for (; length > 0; bytes += sent, length -= (size_t)sent) {
        sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
    }
}

static void count(struct packets *packets, const unsigned char *packet, size_t length)
{
    packets->count++;
    packets->bytes += length;
    packets->last = realloc(packets->last, length);
    CHECK(packets->last != NULL);
    memcpy(packets->last, packet, length);
    packets->last_length = length;
}

static void pass(const struct pump *self, const unsigned char *packet, size_t length)
{
    wire *wire = self->wire;
    int type = packet[0] >> 4;
    bool is_lost;

    pthread_mutex_lock(&wire->lock);
    is_lost = type == wire->lose[self->way];
    wire->has_lost[self->way] |= is_lost;
    count(&wire->packets[self->way][type], packet, length);
    tape_add(wire->tape, self->way, packet, length, is_lost);
    pthread_mutex_unlock(&wire->lock);
    if (!is_lost)
        send_all(wire->to[self->way], packet, length);
}

static void end(const struct pump *self)
{
    wire *wire = self->wire;

    pthread_mutex_lock(&wire->lock);
    tape_end_of_connection(wire->tape, self->way, wire->has_lost[self->way]);
    if (!wire->has_lost[self->way])
        shutdown(wire->to[self->way], SHUT_WR);
    pthread_mutex_unlock(&wire->lock);
}

static void *pump(void *argument)
{
    const struct pump *self = argument;
    unsigned char *bytes = NULL;
    size_t used = 0, room = 0, begin, length;
    ssize_t got;

    for (;;) {
        if (used == room) {
            room = room == 0 ? 65536 : room * 2;
            bytes = realloc(bytes, room);
            CHECK(bytes != NULL);
        }
        got = read(self->from, bytes + used, room - used);
        if (got <= 0)
            break;
        used += (size_t)got;
        for (begin = 0; begin < used; begin += length) {
            length = packet_length(bytes + begin, used - begin);
            if (length == 0 || length > used - begin)
                break;
            pass(self, bytes + begin, length);
        }
        used -= begin;
        memmove(bytes, bytes + begin, used);
    }
    free(bytes);
    end(self);
    return NULL;
}

static void be_closed(wire *self)
{
    int way;

    self->open = false;
    for (way = TO_BROKER; way <= TO_CLIENT; way++) {
        self->to[way] = -1;
        self->lose[way] = NO_TYPE;
        self->has_lost[way] = false;
    }
}

/* Relays one connection until both ends of it are closed. */
static void relay(wire *self, int client)
{
    int broker = connect_to(self->host, self->broker_port);
    struct pump there = {self, TO_BROKER, client}, back = {self, TO_CLIENT, broker};
    pthread_t thread;

    send_at_once(client);
    send_at_once(broker);
    pthread_mutex_lock(&self->lock);
    self->open = true;
    self->to[TO_BROKER] = broker;
    self->to[TO_CLIENT] = client;
    pthread_mutex_unlock(&self->lock);
    CHECK_INT(pthread_create(&thread, NULL, pump, &there), 0);
    pump(&back);
    CHECK_INT(pthread_join(thread, NULL), 0);

    pthread_mutex_lock(&self->lock);
    close(client);
    close(broker);
    be_closed(self);
    pthread_mutex_unlock(&self->lock);
}

static void *serve(void *argument)
{
    wire *self = argument;
    int client;

    while ((client = accept(self->listener, NULL, NULL)) >= 0)
        relay(self, client);
    return NULL;
}

wire *wire_new(const char *name, const char *host, int port)
{
    wire *self = calloc(1, sizeof *self);
    pthread_t thread;

    CHECK(self != NULL);
    self->host = host;
    self->broker_port = port;
    self->listener = listen_at("127.0.0.1", 0);
    self->tape = tape_new(name);
    be_closed(self);
    CHECK_INT(pthread_mutex_init(&self->lock, NULL), 0);
    CHECK_INT(pthread_create(&thread, NULL, serve, self), 0);
    CHECK_INT(pthread_detach(thread), 0);
    return self;
}

int wire_port(const wire *self)
{
    struct sockaddr_in at;
    socklen_t length = sizeof at;

    CHECK_INT(getsockname(self->listener, (struct sockaddr *)&at, &length), 0);
    return ntohs(at.sin_port);
}

void wire_turn_to(wire *self, int port)
{
    pthread_mutex_lock(&self->lock);
    self->broker_port = port;
    pthread_mutex_unlock(&self->lock);
}

void wire_lose(wire *self, enum way way, int type)
{
    pthread_mutex_lock(&self->lock);
    self->lose[way] = type;
    pthread_mutex_unlock(&self->lock);
}

void wire_cut(wire *self)
{
    pthread_mutex_lock(&self->lock);
    shutdown(self->to[TO_BROKER], SHUT_RDWR);
    shutdown(self->to[TO_CLIENT], SHUT_RDWR);
    pthread_mutex_unlock(&self->lock);
}

bool wire_is_open(wire *self)
{
    bool open;

    pthread_mutex_lock(&self->lock);
    open = self->open;
    pthread_mutex_unlock(&self->lock);
    return open;
}

int wire_count(wire *self, enum way way, int type)
{
    int count;

    pthread_mutex_lock(&self->lock);
    count = self->packets[way][type].count;
    pthread_mutex_unlock(&self->lock);
    return count;
}

size_t wire_bytes(wire *self, enum way way, int type)
{
    size_t bytes;

    pthread_mutex_lock(&self->lock);
    bytes = self->packets[way][type].bytes;
    pthread_mutex_unlock(&self->lock);
    return bytes;
}

size_t wire_last(wire *self, enum way way, int type, unsigned char *bytes, size_t size)
{
    const struct packets *packets = &self->packets[way][type];
    size_t length;

    pthread_mutex_lock(&self->lock);
    length = packets->last_length;
    CHECK(length <= size);
    if (length > 0)
        memcpy(bytes, packets->last, length);
    pthread_mutex_unlock(&self->lock);
    return length;
}
