#include "ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>

#include "wait.h"

static int tcp_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    CHECK(fd >= 0);
    return fd;
}

static struct sockaddr_in listen_on_any(int backlog)
{
    struct sockaddr_in address = {0};
    socklen_t length = sizeof address;
    int fd = tcp_socket();

    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_INT(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    CHECK_INT(listen(fd, backlog), 0);
    CHECK_INT(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    return address;
}

int accepting_port(void)
{
    return ntohs(listen_on_any(4000).sin_port);
}

int listen_at(const char *address, int port)
{
    struct sockaddr_in at = {0};
    int fd = tcp_socket(), one = 1;

    at.sin_family = AF_INET;
    at.sin_port = htons((uint16_t)port);
    CHECK_INT(inet_pton(AF_INET, address, &at.sin_addr), 1);
    CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one), 0);
    CHECK_INT(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    CHECK_INT(listen(fd, 4), 0);
    return fd;
}

/* True if nothing has come of it after a time in which anything would. */
static bool waits_in_vain(const struct sockaddr_in *address)
{
    struct sockaddr_in peer;
    socklen_t length = sizeof peer;
    int fd = tcp_socket();

    CHECK_INT(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    CHECK(connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 || errno == EINPROGRESS);
    sleep_ms(50);
    return getpeername(fd, (struct sockaddr *)&peer, &length) != 0;
}

int dropping_port(void)
{
    struct sockaddr_in address = listen_on_any(0);
    int queued = 0;

    while (!waits_in_vain(&address))
        CHECK(queued++ < 64);
    return ntohs(address.sin_port);
}
