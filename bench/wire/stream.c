#include <errno.h>
#include <limits.h>
#include <sys/uio.h>
#include <unistd.h>

#include "die.h"
#include "wire.h"

size_t stream_read(const struct stream *stream, void *to, size_t room)
{
    ssize_t got;

    if (stream->ssl) {
        got = SSL_read(stream->ssl, to, room < INT_MAX ? (int)room : INT_MAX);
        if (got <= 0 && SSL_get_error(stream->ssl, (int)got) != SSL_ERROR_ZERO_RETURN)
            die("SSL_read failed");
        return got > 0 ? (size_t)got : 0;
    }
    do
        got = read(stream->fd, to, room);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        die("read: %s", strerror(errno));
    return (size_t)got;
}

void stream_write(const struct stream *stream, const void *from, size_t len)
{
    stream_write_two(stream, from, len, NULL, 0);
}

static void write_tls(SSL *ssl, const void *from, size_t len)
{
    if (len > 0 && SSL_write(ssl, from, (int)len) <= 0)
        die("SSL_write failed");
}

void stream_write_two(const struct stream *stream, const void *head, size_t head_len, const void *from, size_t len)
{
    struct iovec parts[2] = {{(void *)head, head_len}, {(void *)from, len}};
    int first = 0;

    if (stream->ssl) {
        write_tls(stream->ssl, head, head_len);
        write_tls(stream->ssl, from, len);
        return;
    }
    while (first < 2) {
        ssize_t put = writev(stream->fd, parts + first, 2 - first);

        if (put < 0 && errno != EINTR)
            die("write: %s", strerror(errno));
        for (; first < 2 && put >= (ssize_t)parts[first].iov_len; first++)
            put -= (ssize_t)parts[first].iov_len;
        if (first < 2 && put > 0) {
            parts[first].iov_base = (char *)parts[first].iov_base + put;
            parts[first].iov_len -= (size_t)put;
        }
    }
}

void stream_close(struct stream *stream)
{
    if (stream->ssl) {
        SSL_shutdown(stream->ssl);
        SSL_free(stream->ssl);
    }
    close(stream->fd);
    stream->fd = -1;
    stream->ssl = NULL;
}
