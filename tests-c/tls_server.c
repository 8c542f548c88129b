#include "tls_server.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static pid_t server = -1;

/* Reserves a port for as long as this program runs.  A socket that is bound and does not listen lets
 * another socket listen there, and keeps away programs that ask for any free port. */
static int reserve_port(void)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    int yes = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK(fd >= 0);
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes), 0);
    CHECK_INT(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    CHECK_INT(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    return ntohs(address.sin_port);
}

int tls_server_port(void)
{
    static int port;

    if (port == 0)
        port = reserve_port();
    return port;
}

void tls_server_start(const char *options, int input, int output)
{
    char command[500];

    CHECK_INT(server, -1);
    snprintf(command, sizeof command, "exec openssl s_server -accept 127.0.0.1:%d %s", tls_server_port(),
             options);
    server = fork();
    CHECK(server >= 0);
    if (server == 0) {
        /* It ends with this program, however that ends. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(input, STDIN_FILENO);
        dup2(output, STDOUT_FILENO);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    close(input);
    if (output != input)
        close(output);
}

static int connection_to(int port)
{
    struct sockaddr_in address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK(fd >= 0);
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons((unsigned short)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_INT(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

void tls_server_start_before(int broker_port, const char *options)
{
    int broker = connection_to(broker_port);

    tls_server_start(options, broker, broker);
}

void tls_server_pause(void)
{
    CHECK_INT(kill(server, SIGSTOP), 0);
    CHECK_INT(waitpid(server, NULL, WUNTRACED), server);
}

void tls_server_resume(void)
{
    CHECK_INT(kill(server, SIGCONT), 0);
}

void tls_server_kill(void)
{
    CHECK_INT(kill(server, SIGKILL), 0);
    CHECK_INT(waitpid(server, NULL, 0), server);
    server = -1;
}
