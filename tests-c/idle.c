/* A client that has nothing to do wakes its loop for nothing but its pings. */
#include "broker.h"
#include "loops.h"
#include "record.h"

static void connect_alone(loop *loop, const loop_kind *kind, record *seen, int keepalive)
{
    loop_begin(loop, kind);
    loop_add(loop, recorded_client(NULL, seen));
    CHECK_OK(pmqtt_connect(loop->clients[0].client, BROKER_HOST, broker_port(), keepalive, NULL));
    RUN_UNTIL(loop, tally_get(&seen->connects) == 1);
}

static void run_for(loop *loop, int time_ms)
{
    const long long end = now_ms() + time_ms;

    while (now_ms() < end)
        loop_turn(loop);
}

/* One wake may still be due for what the connection has just done. */
static void sleep_without_pings(const loop_kind *kind)
{
    record seen = {0};
    loop loop;

    step("%s: no keep alive", kind->name);
    connect_alone(&loop, kind, &seen, 0);
    loop_turn(&loop);
    loop.wakes = 0;
    run_for(&loop, 300);
    CHECK_INT(loop.wakes, 0);
    loop_end(&loop);
    client_free(loop.clients[0].client);
}

/* In 2 seconds there are at most 3 pings, each with a wake to send it and one for its answer, and
 * perhaps one that comes a moment early; a loop that spins is beyond that at once. */
static void wake_for_pings(const loop_kind *kind)
{
    record seen = {0};
    loop loop;

    step("%s: keep alive of a second", kind->name);
    connect_alone(&loop, kind, &seen, 1);
    loop_turn(&loop);
    loop.wakes = 0;
    run_for(&loop, 2200);
    CHECK(loop.wakes <= 9);
    CHECK(client_stats(loop.clients[0].client).ping_round_trip_us > 0);
    CHECK_INT(tally_get(&seen.disconnects), 0);
    loop_end(&loop);
    client_free(loop.clients[0].client);
}

int main(void)
{
    static const loop_kind *const kinds[] = {&POLL_LOOP, &INTEREST_LOOP, &EVENT_POLL_LOOP, &EVENT_EPOLL_LOOP};
    unsigned i;

    watchdog(240);
    broker_start();
    for (i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        sleep_without_pings(kinds[i]);
        wake_for_pings(kinds[i]);
    }
    return 0;
}
