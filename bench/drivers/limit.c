/* The limit: the cost of the work in a client that is written by hand for this work only. It blocks,
 * gathers its writes, and checks what it reads as any client has to. It has no threads, no time-outs
 * and no resending. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire.h"
#include "work.h"

/* A payload of at least LARGE bytes is not copied into the buffer, but written beside it;
 * GATHERED_MIN at once. */
enum { BUFFER_SIZE = 160 * 1024, LARGE = 8 * 1024, PARTS = 2 * GATHERED_MIN, EVENTS = 256 };

struct client {
    struct stream stream;
    uint32_t number; /* of this client: the stream of its payloads */
    uint32_t published;
    uint32_t released;
    uint32_t settled;
    uint32_t received;
    bool ended; /* the broker's last message has arrived */
    uint8_t *rest; /* the beginning of an incomplete packet */
    size_t rest_len;
};

static struct work work;
static const struct section no_section;
static SSL_CTX *tls;
static uint8_t input[256 * 1024];
static uint8_t output[BUFFER_SIZE];
static size_t output_len;
static struct iovec parts[PARTS]; /* of the output, and of large payloads if there are any */
static int part_count;
static char *own_payloads[GATHERED_MIN];

static void flush(struct client *client)
{
    if (part_count > 0)
        stream_write_parts(&client->stream, parts, part_count);
    else if (output_len > 0)
        stream_write(&client->stream, output, output_len);
    part_count = 0;
    output_len = 0;
}

static uint8_t *room_for(struct client *client, size_t len)
{
    if (BUFFER_SIZE - output_len < len)
        flush(client);
    return output + output_len;
}

static unsigned id_of(uint32_t number)
{
    return number % 65535 + 1;
}

static void publish_large(struct client *client, uint32_t number, const void *payload)
{
    uint8_t *at;
    size_t head;

    if (part_count == 0)
        flush(client);
    at = output + output_len;
    head = put_publish_head(at, work.qos, id_of(number), no_section, work.size);
    output_len += head;
    parts[part_count++] = (struct iovec){at, head};
    parts[part_count++] = (struct iovec){(void *)payload, work.size};
    if (part_count == PARTS)
        flush(client);
}

static void publish(struct client *client, const void *payload)
{
    uint32_t number = client->published++;
    uint8_t *at;
    size_t head;

    if (work.size >= LARGE) {
        publish_large(client, number, payload);
        return;
    }
    at = room_for(client, HEADER_MAX + 4 + TOPIC_LEN + work.size);
    head = put_publish_head(at, work.qos, id_of(number), no_section, work.size);
    memcpy(at + head, payload, work.size);
    output_len += head + work.size;
}

/* At QoS 0 a message is settled once it is written, so there is nothing to wait for. */
static void publish_window(struct client *client)
{
    while (client->published < work.count && client->published - client->settled < work.window) {
        char *payload = own_payloads[client->published % GATHERED_MIN];

        payload_put(payload, work.size, client->number, client->published);
        publish(client, payload);
        client->settled += work.qos == 0;
    }
}

static void answer(struct client *client, unsigned first, unsigned id)
{
    if (part_count > 0)
        flush(client);
    output_len += put_ack(room_for(client, 4), first, id);
}

static void on_publish(struct client *client, const struct packet *packet)
{
    struct publish got;

    if (!get_publish(packet, no_section, &got))
        die("a PUBLISH that is not well-formed, or has another topic");
    if (!work_receive(&work, &client->received, got.payload, got.payload_len, got.qos)) {
        client->ended = true;
        return;
    }
    if (work.kind == WORK_ECHO)
        publish(client, got.payload);
    if (got.qos > 0)
        answer(client, got.qos == 1 ? PUBACK : PUBREC, got.id);
}

static void on_packet(struct client *client, const struct packet *packet)
{
    unsigned id = packet->body_len == 2 ? get_u16(packet->body) : 0;

    switch (packet->first) {
    case PUBREC:
        if (id != id_of(client->released++))
            die("PUBREC of a message that was not sent");
        answer(client, PUBREL, id);
        break;
    case PUBACK:
    case PUBCOMP:
        if (id != id_of(client->settled++))
            die("an acknowledgement of a message that was not sent");
        break;
    case PUBREL:
        answer(client, PUBCOMP, id);
        break;
    default:
        if ((packet->first & 0xf0) != PUBLISH)
            die("unexpected packet 0x%x", packet->first);
        on_publish(client, packet);
    }
}

/* One read, and one write with all answers to it. */
static void turn(struct client *client)
{
    size_t len = client->rest_len, got, used, at = 0;
    struct packet packet;

    if (len > 0)
        memcpy(input, client->rest, len);
    got = stream_read(&client->stream, input + len, sizeof input - len);
    if (got == 0)
        die("the broker has closed the connection");
    len += got;
    for (; (used = get_packet(input + at, len - at, &packet)) > 0; at += used)
        on_packet(client, &packet);
    if (at < len) {
        client->rest = realloc(client->rest, len - at);
        memcpy(client->rest, input + at, len - at);
    }
    client->rest_len = len - at;
    if (work_publishes(&work))
        publish_window(client);
    flush(client);
}

static bool is_done(const struct client *client)
{
    return work_publishes(&work) ? client->settled == work.count : client->ended;
}

static void expect(struct client *client, const void *bytes, size_t len)
{
    uint8_t got[8];
    size_t have = 0;

    while (have < len)
        have += stream_read(&client->stream, got + have, len - have);
    if (memcmp(got, bytes, len) != 0)
        die("unexpected answer");
}

static void open_client(struct client *client)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;

    address.sin_port = htons((uint16_t)work.port);
    client->stream.fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(client->stream.fd, (struct sockaddr *)&address, sizeof address) != 0)
        die("cannot connect");
    setsockopt(client->stream.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (tls) {
        client->stream.ssl = SSL_new(tls);
        SSL_set_fd(client->stream.ssl, client->stream.fd);
        if (SSL_connect(client->stream.ssl) != 1)
            die("SSL_connect failed");
    }
}

static void connect_client(struct client *client)
{
    static const uint8_t packet[] = {CONNECT, 17, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 60, 0, 5, 'l', 'i', 'm', 'i', 't'};
    static const uint8_t connack[] = {CONNACK, 2, 0, 0};

    open_client(client);
    stream_write(&client->stream, packet, sizeof packet);
    expect(client, connack, sizeof connack);
}

static void disconnect_client(struct client *client)
{
    static const uint8_t packet[] = {DISCONNECT, 0};

    stream_write(&client->stream, packet, sizeof packet);
    stream_close(&client->stream);
}

static void subscribe(struct client *client)
{
    uint8_t packet[32];
    uint8_t suback[] = {SUBACK, 3, 0, 1, (uint8_t)work.qos};
    size_t len = put_header(packet, SUBSCRIBE, 2 + 2 + TOPIC_LEN + 1);

    len += put_u16(packet + len, 1);
    len += put_u16(packet + len, TOPIC_LEN);
    memcpy(packet + len, TOPIC, TOPIC_LEN);
    len += TOPIC_LEN;
    packet[len++] = (uint8_t)work.qos;
    stream_write(&client->stream, packet, len);
    expect(client, suback, sizeof suback);
}

/* One client needs no epoll: it waits in its socket. */
static void run_one(struct client *client)
{
    while (!is_done(client))
        turn(client);
}

static void run_many(struct client *clients)
{
    struct epoll_event events[EVENTS];
    int epoll = epoll_create1(0);
    uint32_t done = 0, i;
    int count, k;

    for (i = 0; i < work.clients; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &clients[i]};

        epoll_ctl(epoll, EPOLL_CTL_ADD, clients[i].stream.fd, &event);
        done += is_done(&clients[i]);
    }
    while (done < work.clients) {
        count = epoll_wait(epoll, events, EVENTS, -1);
        for (k = 0; k < count; k++) {
            turn(events[k].data.ptr);
            done += is_done(events[k].data.ptr);
        }
    }
}

static void connect_in_turn(struct client *client)
{
    uint32_t i;

    for (i = 0; i < work.count; i++) {
        connect_client(client);
        disconnect_client(client);
    }
}

static SSL_CTX *load_authority(const char *ca)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    if (SSL_CTX_load_verify_locations(context, ca, NULL) != 1)
        die("cannot use %s", ca);
    return context;
}

int main(int argc, char **argv)
{
    struct client *clients;
    uint32_t i;

    work = work_parse(argc, argv);
    tls = work.ca ? load_authority(work.ca) : NULL;
    for (i = 0; i < GATHERED_MIN; i++) {
        own_payloads[i] = malloc(work.size);
        memset(own_payloads[i], 'x', work.size);
    }
    clients = calloc(work.clients, sizeof *clients);
    if (work.kind == WORK_CONNECT) {
        connect_in_turn(clients);
        return EXIT_SUCCESS;
    }
    for (i = 0; i < work.clients; i++) {
        clients[i].number = i;
        connect_client(&clients[i]);
        if (work_subscribes(&work))
            subscribe(&clients[i]);
        if (work_publishes(&work))
            publish_window(&clients[i]);
        flush(&clients[i]);
    }
    if (work.clients == 1)
        run_one(clients);
    else
        run_many(clients);
    if (work.kind == WORK_IDLE)
        pause();
    for (i = 0; i < work.clients; i++)
        disconnect_client(&clients[i]);
    return EXIT_SUCCESS;
}
