/* An idle client wakes its loop only for its pings. */
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

/* One wake may still be due for the connection's last work. */
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

/* In 2 seconds there are at most 3 pings. Each wakes twice, to send it and for its answer, and one
 * timer may fire early. A loop that spins exceeds that at once. */
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

static int told, told_timeout;

static void on_interest(pmqtt_client *client, void *userdata, const pmqtt_interest *interest)
{
    (void)client;
    (void)userdata;
    told++;
    told_timeout = interest->timeout_ms;
}

/* A timer fires once: after loop_misc it is reported again, though its time had not come yet. */
static void be_told_again(void)
{
    record seen = {0};
    loop loop;

    step("a timer that is a moment early");
    connect_alone(&loop, &STEP_LOOP, &seen, 60);
    CHECK_OK(pmqtt_on_interest_set(loop.clients[0].client, on_interest));
    CHECK(told > 0);
    told = 0;
    CHECK_OK(pmqtt_loop_misc(loop.clients[0].client));
    CHECK_INT(told, 1);
    CHECK(told_timeout > 0);
    loop_end(&loop);
    client_free(loop.clients[0].client);
}

int main(void)
{
    static const loop_kind *const kinds[] = {&POLL_LOOP, &INTEREST_LOOP, &EVENT_POLL_LOOP, &EVENT_EPOLL_LOOP};
    unsigned i;

    watchdog(240);
    broker_start();
    be_told_again();
    for (i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        sleep_without_pings(kinds[i]);
        wake_for_pings(kinds[i]);
    }
    return 0;
}
