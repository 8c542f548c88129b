#include "peer.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

/* However the test ends, no peer outlives it by more than this. */
enum { LIFE_S = 200 };

/* Each packet of the clients in these tests has a fixed header of two bytes. */
static bool read_packet(int fd)
{
    unsigned char header[2], body[256];
    size_t length, have;
    ssize_t count;

    for (have = 0; have < 2; have += (size_t)count)
        if ((count = read(fd, header + have, 2 - have)) <= 0)
            return false;
    length = header[1];
    CHECK(length < 128);
    for (have = 0; have < length; have += (size_t)count)
        if ((count = read(fd, body + have, length - have)) <= 0)
            return false;
    return true;
}

static void play(const script *script, int fd)
{
    const answer *answer;
    char rest[4096];

    for (answer = script->answers; answer->length > 0; answer++) {
        if (!read_packet(fd))
            return;
        CHECK_INT(send(fd, answer->bytes, answer->length, MSG_NOSIGNAL), answer->length);
    }
    while (!script->closes && read(fd, rest, sizeof rest) > 0)
        ;
}

static void serve(int listener, const script *script)
{
    alarm(LIFE_S);
    for (;;) {
        int fd = accept(listener, NULL, NULL);

        CHECK(fd >= 0);
        play(script, fd);
        close(fd);
    }
}

/* The peer is a separate process, so it never waits for the test. */
void peer_start(peer *self, const script *script)
{
    struct sockaddr_in address = {0};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_INT(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    CHECK_INT(listen(listener, 16), 0);
    CHECK_INT(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    self->port = ntohs(address.sin_port);
    self->pid = fork();
    CHECK(self->pid >= 0);
    if (self->pid == 0)
        serve(listener, script);
    close(listener);
}

void peer_stop(const peer *self)
{
    CHECK_INT(kill(self->pid, SIGKILL), 0);
    CHECK_INT(waitpid(self->pid, NULL, 0), self->pid);
}
