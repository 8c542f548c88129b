#include <stdlib.h>
#include <time.h>

#include "broker.h"

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void tally_begin(struct tally *tally, const struct order *order)
{
    memset(tally, 0, sizeof *tally);
    tally->order = order;
    tally->next = calloc(STREAMS_MAX, sizeof *tally->next);
    tally->echoes_ns = calloc((size_t)order->count * order->clients, sizeof *tally->echoes_ns);
}

void tally_connect(struct tally *tally)
{
    if (tally->connects++ == 0)
        tally->begin_ns = now_ns();
}

void tally_message(struct tally *tally, struct payload_number got)
{
    const struct order *order = tally->order;

    if (got.stream >= STREAMS_MAX || got.number != tally->next[got.stream])
        die("message %u of stream %u is lost, repeated or out of order", (unsigned)got.number, (unsigned)got.stream);
    tally->next[got.stream]++;
    tally->messages++;
    if (order->kind == WORK_IDLE && tally->messages == (uint64_t)order->count * order->clients) {
        printf("all published\n");
        fflush(stdout);
    }
}

void tally_echo_begins(struct tally *tally)
{
    tally->echo_began_ns = now_ns();
}

void tally_echo_ends(struct tally *tally)
{
    tally->echoes_ns[tally->echo_count++] = (uint32_t)(now_ns() - tally->echo_began_ns);
}

static int compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

    return (left > right) - (left < right);
}

static double echo_us(const struct tally *tally, double quantile)
{
    return tally->echoes_ns[(size_t)(quantile * (tally->echo_count - 1))] / 1e3;
}

void tally_end(struct tally *tally)
{
    const struct order *order = tally->order;
    uint64_t expected = order->kind == WORK_PUBLISH ? (uint64_t)order->count * order->clients : 0;
    double seconds = (double)(now_ns() - tally->begin_ns) / 1e9;

    if (order->kind != WORK_IDLE && tally->messages != expected)
        die("%llu messages came instead of %llu", (unsigned long long)tally->messages, (unsigned long long)expected);
    printf("{\"seconds\": %f", seconds);
    if (order->kind == WORK_ECHO) {
        qsort(tally->echoes_ns, tally->echo_count, sizeof *tally->echoes_ns, compare);
        printf(", \"p50_us\": %.2f, \"p99_us\": %.2f", echo_us(tally, 0.5), echo_us(tally, 0.99));
    }
    printf("}\n");
}
