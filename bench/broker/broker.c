/* The broker of the benchmark. It costs less than any client, so that the benchmark measures the
 * client, and it checks all that it receives:
 *
 *   broker WORK QOS COUNT SIZE [CLIENTS [CERT KEY]]
 *
 * It prints the port that it listens on, and serves CLIENTS clients that do WORK (see
 * drivers/work.h). When all have disconnected, it prints what it has seen. It fails if that is not
 * the work.
 *
 * Once all clients have subscribed, each subscriber is flooded with COUNT messages. At QoS 1 and 2 at
 * most FLOOD_WINDOW are unsettled; at QoS 0 the socket is kept full. One write answers all that one
 * read brings. Sockets block: a client that is flooded at QoS 0 sends nothing, and all other answers
 * fit into the socket's buffer. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker.h"

enum { FLOOD_WINDOW = 100, INPUT_SIZE = 1 << 20, OUTPUT_SIZE = 1 << 20, EVENTS = 256 };

struct connection {
    struct stream stream;
    uint8_t *rest; /* the beginning of an incomplete packet */
    size_t rest_len;
    uint32_t sent;
    uint32_t released; /* QoS 2: PUBREC has arrived, or PUBREL from a client that publishes */
    uint32_t settled;  /* QoS 0: written; QoS 1, 2: acknowledged; echo: it has come back */
    bool ended;        /* the last message, which says that all are settled, has been sent */
    bool subscribed;
    bool done; /* DISCONNECT has arrived */
};

static struct order order;
static struct tally tally;
static SSL_CTX *tls;
static int epoll;

static uint8_t input[INPUT_SIZE];
static uint8_t output[OUTPUT_SIZE];
static size_t output_len;

/* All subscribers, and the index of the one that is flooded next at QoS 0. */
static struct connection **subscribers;
static uint32_t subscriber_count;
static uint32_t flood_turn;
static uint32_t flood_left;

static void flush(struct connection *connection)
{
    if (output_len > 0)
        stream_write(&connection->stream, output, output_len);
    output_len = 0;
}

static uint8_t *room_for(struct connection *connection, size_t len)
{
    if (OUTPUT_SIZE - output_len < len)
        flush(connection);
    return output + output_len;
}

static void answer(struct connection *connection, unsigned first, unsigned id)
{
    output_len += put_ack(room_for(connection, 4), first, id);
}

static unsigned id_of(uint32_t number)
{
    return number % 65535 + 1;
}

static void send_message(struct connection *connection)
{
    uint32_t number = connection->sent++;
    uint8_t *at = room_for(connection, HEADER_MAX + 4 + TOPIC_LEN + SECTION_MAX + order.size);
    int qos = number == order.count ? 0 : order.qos;
    size_t head = put_publish_head(at, qos, id_of(number), order.section, order.size);

    payload_put(at + head, order.size, 0, number);
    output_len += head + order.size;
}

/* At QoS 0 the next message does not wait for anything that the client sends. */
static bool floods_unasked(void)
{
    return order.kind == WORK_RECEIVE && order.qos == 0;
}

/* Sends a part only, so that each subscriber gets its turn. */
static void flood_qos_0(struct connection *connection)
{
    while (connection->sent < order.count && output_len + order.size < OUTPUT_SIZE / 4)
        send_message(connection);
    connection->settled = connection->sent;
}

static void flood_window(struct connection *connection)
{
    uint32_t window = order.kind == WORK_ECHO ? 1 : FLOOD_WINDOW;

    while (connection->sent < order.count && connection->sent - connection->settled < window) {
        if (order.kind == WORK_ECHO)
            tally_echo_begins(&tally);
        send_message(connection);
    }
}

static void flood(struct connection *connection)
{
    if (floods_unasked())
        flood_qos_0(connection);
    else
        flood_window(connection);
    if (connection->settled == order.count && !connection->ended) {
        connection->ended = true;
        send_message(connection);
        flood_left--;
    }
}

static void flood_next(void)
{
    struct connection *connection;

    do
        connection = subscribers[flood_turn++ % subscriber_count];
    while (connection->ended);
    flood(connection);
    flush(connection);
}

static void begin_flood(void)
{
    uint32_t i;

    flood_left = order.clients;
    for (i = 0; i < subscriber_count; i++) {
        flood(subscribers[i]);
        flush(subscribers[i]);
    }
}

static void on_subscribe(struct connection *connection, const struct packet *packet)
{
    bool is_extended = order.section.len > 0;
    uint8_t *at = room_for(connection, 6);

    if (connection->subscribed)
        die("a second SUBSCRIBE");
    connection->subscribed = true;
    subscribers[subscriber_count++] = connection;
    output_len += put_header(at, SUBACK, is_extended ? 4 : 3);
    memcpy(output + output_len, packet->body, 2);
    output_len += 2;
    if (is_extended)
        output[output_len++] = 0;
    output[output_len++] = (uint8_t)order.qos;
    flush(connection);
    if (subscriber_count == order.clients)
        begin_flood();
}

static void on_publish(struct connection *connection, const struct packet *packet)
{
    struct publish publish;
    struct payload_number got;

    if (!get_publish(packet, order.section, &publish) || publish.qos != order.qos || publish.payload_len != order.size ||
        !payload_get(publish.payload, order.size, &got))
        die("a PUBLISH that is not the work's, or is damaged");
    if (order.kind == WORK_ECHO) {
        tally_echo_ends(&tally);
        connection->settled++;
        if (got.number != connection->settled - 1)
            die("echo %u instead of %u", (unsigned)got.number, (unsigned)connection->settled - 1);
        return;
    }
    tally_message(&tally, got);
    if (publish.qos > 0)
        answer(connection, publish.qos == 1 ? PUBACK : PUBREC, publish.id);
}

/* The client acknowledges in the order in which it received [MQTT-4.6.0]. */
static void on_ack(struct connection *connection, const struct packet *packet)
{
    unsigned id = get_u16(packet->body);
    uint32_t *number = packet->first == PUBREC ? &connection->released : &connection->settled;
    bool is_due = packet->first == PUBACK ? order.qos == 1 : order.qos == 2;

    if (!is_due || packet->body_len != 2 || *number == connection->sent || id != id_of(*number))
        die("acknowledgement 0x%x of %u instead of %u", packet->first, id, id_of(*number));
    ++*number;
    if (packet->first == PUBREC)
        answer(connection, PUBREL, id);
}

static void on_connect(struct connection *connection)
{
    static const uint8_t connack[] = {CONNACK, 2, 0, 0}, extended[] = {CONNACK, 3, 0, 0, 0};
    bool is_extended = order.section.len > 0;
    size_t len = is_extended ? sizeof extended : sizeof connack;

    memcpy(room_for(connection, len), is_extended ? extended : connack, len);
    output_len += len;
}

/* tally_end checks whether all messages have arrived. */
static void on_disconnect(struct connection *connection)
{
    if (order_floods(&order) && !connection->ended)
        die("DISCONNECT after %u messages", (unsigned)connection->settled);
    if (order.kind == WORK_PUBLISH && order.qos == 2 && connection->released != order.count)
        die("DISCONNECT after %u PUBREL", (unsigned)connection->released);
    connection->done = true;
}

static void on_packet(struct connection *connection, const struct packet *packet)
{
    static const uint8_t pingresp[] = {PINGRESP, 0};

    switch (packet->first) {
    case CONNECT:
        on_connect(connection);
        break;
    case SUBSCRIBE:
        on_subscribe(connection, packet);
        break;
    case PUBREL:
        connection->released++;
        answer(connection, PUBCOMP, get_u16(packet->body));
        break;
    case PUBACK:
    case PUBREC:
    case PUBCOMP:
        on_ack(connection, packet);
        break;
    case PINGREQ:
        memcpy(room_for(connection, sizeof pingresp), pingresp, sizeof pingresp);
        output_len += sizeof pingresp;
        break;
    case DISCONNECT:
        on_disconnect(connection);
        break;
    default:
        if ((packet->first & 0xf0) != PUBLISH)
            die("unexpected packet 0x%x", packet->first);
        on_publish(connection, packet);
    }
}

static void keep_rest(struct connection *connection, const uint8_t *from, size_t len)
{
    free(connection->rest);
    connection->rest = NULL;
    connection->rest_len = len;
    if (len > 0) {
        connection->rest = malloc(len);
        memcpy(connection->rest, from, len);
    }
}

static void end(struct connection *connection)
{
    if (!connection->done && order.kind != WORK_IDLE)
        die("a client left without DISCONNECT");
    stream_close(&connection->stream);
    free(connection->rest);
    if (!connection->subscribed)
        free(connection);
    tally.disconnects++;
}

static void serve(struct connection *connection)
{
    size_t len = connection->rest_len, got, at = 0, used;
    struct packet packet;

    if (len > 0)
        memcpy(input, connection->rest, len);
    got = stream_read(&connection->stream, input + len, INPUT_SIZE - len);
    if (got == 0) {
        end(connection);
        return;
    }
    len += got;
    for (; (used = get_packet(input + at, len - at, &packet)) > 0; at += used)
        on_packet(connection, &packet);
    keep_rest(connection, input + at, len - at);
    if (connection->done) {
        end(connection);
        return;
    }
    if (flood_left > 0 && connection->subscribed && !floods_unasked())
        flood(connection);
    flush(connection);
    if (connection->stream.ssl && SSL_pending(connection->stream.ssl) > 0)
        serve(connection);
}

static void accept_one(int listener)
{
    struct connection *connection = calloc(1, sizeof *connection);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    int fd = accept(listener, NULL, NULL);
    int on = 1;

    if (fd < 0)
        die("accept failed");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connection->stream.fd = fd;
    if (tls) {
        connection->stream.ssl = SSL_new(tls);
        SSL_set_fd(connection->stream.ssl, fd);
        if (SSL_accept(connection->stream.ssl) != 1)
            die("SSL_accept failed");
    }
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    tally_connect(&tally);
}

static int listen_anywhere(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    struct epoll_event event = {.events = EPOLLIN};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, 4096) != 0)
        die("cannot listen");
    getsockname(fd, (struct sockaddr *)&address, &len);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    return fd;
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS];
    int listener, count, i;

    signal(SIGPIPE, SIG_IGN);
    order = order_parse(argc, argv, &tls);
    tally_begin(&tally, &order);
    subscribers = calloc(order.clients, sizeof *subscribers);
    memset(output, 'x', sizeof output);
    epoll = epoll_create1(0);
    listener = listen_anywhere();
    while (tally.disconnects < order.connections) {
        count = epoll_wait(epoll, events, EVENTS, flood_left > 0 && floods_unasked() ? 0 : -1);
        for (i = 0; i < count; i++) {
            if (events[i].data.ptr)
                serve(events[i].data.ptr);
            else
                accept_one(listener);
        }
        if (flood_left > 0 && floods_unasked())
            flood_next();
    }
    tally_end(&tally);
    return EXIT_SUCCESS;
}
