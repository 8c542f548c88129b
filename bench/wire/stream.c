#include <errno.h>
#include <limits.h>
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
    struct iovec part = {(void *)from, len};

    stream_write_parts(stream, &part, 1);
}

/* Removes the `written` bytes from the front. */
static void advance(struct iovec **parts, int *count, size_t written)
{
    for (; *count > 0 && written >= (*parts)->iov_len; --*count)
        written -= (*parts)++->iov_len;
    if (*count > 0) {
        (*parts)->iov_base = (char *)(*parts)->iov_base + written;
        (*parts)->iov_len -= written;
    }
}

void stream_write_parts(const struct stream *stream, struct iovec *parts, int count)
{
    ssize_t written;

    while (count > 0) {
        if (stream->ssl)
            written = SSL_write(stream->ssl, parts->iov_base, (int)parts->iov_len);
        else
            written = writev(stream->fd, parts, count);
        if (written < 0 && errno != EINTR)
            die("write: %s", strerror(errno));
        advance(&parts, &count, written > 0 ? (size_t)written : 0);
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
