/* What a long queue took goes back to the system when it is drained, also where the heap has grown since. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker.h"
#include "client.h"
#include "wait.h"

enum { MESSAGES = 300000, SIZE = 100, LEFT_KIB = 20 << 10, LIMIT_MS = 60000 };

static long rss_kib(void)
{
    char line[200];
    long kib = 0;
    FILE *file = fopen("/proc/self/status", "r");

    if (!file)
        return 0;
    while (fgets(line, sizeof line, file))
        if (strncmp(line, "VmRSS:", 6) == 0)
            kib = atol(line + 6);
    fclose(file);
    return kib;
}

int main(void)
{
    static const char payload[SIZE];
    pmqtt_client *client = client_new("given_back", NULL);
    long before = rss_kib(), queued;
    long long begin;
    int number;

    watchdog(120);
    broker_start();
    step("queue");
    CHECK_OK(pmqtt_max_queued_bytes_set(client, 0));
    CHECK_OK(pmqtt_max_inflight_messages_set(client, 1000));
    for (number = 0; number < MESSAGES; number++)
        CHECK_RC(pmqtt_publish(client, "given/back", payload, SIZE, 1, false, NULL), PMQTT_ERR_NO_CONN);
    queued = rss_kib();
    CHECK(queued - before > LEFT_KIB);

    step("drain");
    CHECK_OK(pmqtt_connect(client, BROKER_HOST, broker_port(), 60, NULL));
    begin = now_ms();
    while (client_stats(client).unsettled > 0) {
        CHECK(now_ms() - begin < LIMIT_MS);
        CHECK_OK(pmqtt_loop(client, 100));
    }
    CHECK_OK(pmqtt_loop(client, 0));
    if (before > 0 && rss_kib() - before > LEFT_KIB)
        check_failed(__FILE__, __LINE__, "%ld KiB more than before the queue, which took %ld", rss_kib() - before,
                     queued - before);
    pmqtt_client_free(client);
    return 0;
}
