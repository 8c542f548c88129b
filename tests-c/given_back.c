/* The memory of a long queue returns to the system when the queue is drained, even if the heap has
 * grown since. */
#include "broker.h"
#include "client.h"
#include "process.h"
#include "wait.h"

enum { MESSAGES = 300000, SIZE = 100, LEFT_KIB = 20 << 10, LIMIT_MS = 60000 };

int main(void)
{
    static const char payload[SIZE];
    pmqtt_client *client = client_new("given_back", NULL);
    long before = resident_kib(), queued;
    long long begin;
    int number;

    watchdog(120);
    broker_start();
    step("queue");
    CHECK_OK(pmqtt_max_queued_bytes_set(client, 0));
    CHECK_OK(pmqtt_max_inflight_messages_set(client, 1000));
    for (number = 0; number < MESSAGES; number++)
        CHECK_RC(pmqtt_publish(client, "given/back", payload, SIZE, 1, false, NULL), PMQTT_ERR_NO_CONN);
    queued = resident_kib();
    CHECK(queued - before > LEFT_KIB);

    step("drain");
    CHECK_OK(pmqtt_connect(client, BROKER_HOST, broker_port(), 60, NULL));
    begin = now_ms();
    while (client_stats(client).unsettled > 0) {
        CHECK(now_ms() - begin < LIMIT_MS);
        CHECK_OK(pmqtt_loop(client, 100));
    }
    CHECK_OK(pmqtt_loop(client, 0));
    if (resident_kib() - before > LEFT_KIB)
        check_failed(__FILE__, __LINE__, "%ld KiB more than before the queue, which took %ld", resident_kib() - before,
                     queued - before);
    pmqtt_client_free(client);
    return 0;
}
