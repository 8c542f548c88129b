/* The library finds these functions instead of libc's. */
#define _GNU_SOURCE
#include "failing.h"

#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "check.h"
#include "tally.h"

/* `call` is set before `is_set`, and does not change while a call may read it. */
static struct {
    const char *call;
    int error;
    bool goes_on;
    tally is_set, left, failed;
} wanted;

void fail(const char *call, int error, int k, bool goes_on)
{
    wanted.call = call;
    wanted.error = error;
    wanted.goes_on = goes_on;
    tally_set(&wanted.failed, 0);
    tally_set(&wanted.left, k);
    tally_set(&wanted.is_set, 1);
}

bool has_failed(void)
{
    return tally_get(&wanted.failed) > 0;
}

void fail_no_more(void)
{
    tally_set(&wanted.is_set, 0);
}

static bool is_of_library(const void *caller)
{
    Dl_info library, here;

    return dladdr(dlsym(RTLD_DEFAULT, "pmqtt_lib_version"), &library) && dladdr(caller, &here) &&
           library.dli_fbase == here.dli_fbase;
}

static int error_of(const char *call, const void *caller)
{
    int left;

    if (!tally_get(&wanted.is_set) || strcmp(wanted.call, call) != 0 || !is_of_library(caller))
        return 0;
    left = __atomic_sub_fetch(&wanted.left.value, 1, __ATOMIC_SEQ_CST);
    if (left > 0 || (left < 0 && !wanted.goes_on))
        return 0;
    tally_set(&wanted.failed, 1);
    return wanted.error;
}

/* Use this at the beginning of a function that replaces one of libc. */
#define ERROR_OF(call) error_of(#call, __builtin_return_address(0))

#define LIBC(call, result, parameters)  \
    static result(*libc) parameters;    \
    if (!libc)                          \
        *(void **)&libc = dlsym(RTLD_NEXT, #call)

static int failed(int error)
{
    errno = error;
    return -1;
}

/* A function that returns -1 and sets errno. */
#define STAND_IN(call, parameters, arguments)          \
    int call parameters                                \
    {                                                  \
        int error = ERROR_OF(call);                    \
        LIBC(call, int, parameters);                   \
        return error ? failed(error) : libc arguments; \
    }

STAND_IN(poll, (struct pollfd *fds, nfds_t count, int timeout), (fds, count, timeout))
STAND_IN(epoll_create1, (int flags), (flags))
STAND_IN(eventfd, (unsigned count, int flags), (count, flags))
STAND_IN(timerfd_create, (clockid_t clock, int flags), (clock, flags))
STAND_IN(timerfd_settime, (int fd, int flags, const struct itimerspec *new, struct itimerspec *old),
         (fd, flags, new, old))
STAND_IN(socket, (int domain, int type, int protocol), (domain, type, protocol))
STAND_IN(bind, (int fd, __CONST_SOCKADDR_ARG address, socklen_t length), (fd, address, length))
STAND_IN(setsockopt, (int fd, int level, int name, const void *value, socklen_t length),
         (fd, level, name, value, length))
STAND_IN(getsockopt, (int fd, int level, int name, void *restrict value, socklen_t *restrict length),
         (fd, level, name, value, length))
STAND_IN(getpeername, (int fd, __SOCKADDR_ARG address, socklen_t *restrict length), (fd, address, length))
STAND_IN(getsockname, (int fd, __SOCKADDR_ARG address, socklen_t *restrict length), (fd, address, length))
STAND_IN(shutdown, (int fd, int how), (fd, how))

/* Removing a descriptor needs no resource, so it does not fail. */
int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    int error = operation == EPOLL_CTL_DEL ? 0 : ERROR_OF(epoll_ctl);
    LIBC(epoll_ctl, int, (int, int, int, struct epoll_event *));

    return error ? failed(error) : libc(epoll, operation, fd, event);
}

/* A function with a size. */
#define STAND_IN_SIZED(call, parameters, arguments)               \
    ssize_t call parameters                                       \
    {                                                             \
        int error = ERROR_OF(call);                               \
        LIBC(call, ssize_t, parameters);                          \
        if (error == ONE_BYTE && size > 1)                        \
            size = 1;                                             \
        return error > 0 ? failed(error) : libc arguments;        \
    }

STAND_IN_SIZED(read, (int fd, void *bytes, size_t size), (fd, bytes, size))
STAND_IN_SIZED(write, (int fd, const void *bytes, size_t size), (fd, bytes, size))
STAND_IN_SIZED(recv, (int fd, void *bytes, size_t size, int flags), (fd, bytes, size, flags))
STAND_IN_SIZED(send, (int fd, const void *bytes, size_t size, int flags), (fd, bytes, size, flags))

int connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t length)
{
    int error = ERROR_OF(connect);
    int result;
    LIBC(connect, int, (int, __CONST_SOCKADDR_ARG, socklen_t));

    if (error && error != EINTR)
        return failed(error);
    result = libc(fd, address, length);
    return error && (result == 0 || errno == EINPROGRESS) ? failed(error) : result;
}

int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attributes,
                   void *(*start)(void *), void *restrict argument)
{
    int error = ERROR_OF(pthread_create);
    LIBC(pthread_create, int,
         (pthread_t *restrict, const pthread_attr_t *restrict, void *(*)(void *), void *restrict));

    return error ? error : libc(thread, attributes, start, argument);
}

/* Each name resolves to this machine: the test includes a look-up, but no name server. */
int getaddrinfo(const char *restrict host, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict out)
{
    LIBC(getaddrinfo, int,
         (const char *restrict, const char *restrict, const struct addrinfo *restrict, struct addrinfo **restrict));

    (void)host;
    return libc("127.0.0.1", service, hints, out);
}
