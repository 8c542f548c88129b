#include "broker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "wait.h"

static char dir[64];
static int port;
static FILE *janitor;

/* Runs scripts/broker; false if that fails. */
static int script(const char *verb, int argument)
{
    char command[500];

    snprintf(command, sizeof command, "'%s' %s '%s' %d", BROKER_SCRIPT, verb, dir, argument);
    return system(command) == 0;
}

static void end_janitor(void)
{
    pclose(janitor);
}

/* The janitor waits until our end of a pipe closes, which happens even if this program is killed. */
static void begin_janitor(void)
{
    char command[500];

    snprintf(command, sizeof command,
             "trap '' INT TERM HUP; read -r end; '%s' kill '%s'; rm -rf '%s'", BROKER_SCRIPT, dir, dir);
    janitor = popen(command, "we");
    CHECK(janitor != NULL);
    atexit(end_janitor);
}

/* Below the ports that the system gives to outgoing connections: the port must still be free when the
 * broker restarts.  Tests that run at the same time have different process ids. */
static int choose_port(int attempt)
{
    return 20000 + (int)((getpid() + attempt * 3001L) % 12000);
}

/* In memory if possible: the broker waits for the disk at each change. */
static void start_first(void)
{
    const char *parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    int attempt;

    snprintf(dir, sizeof dir, "%s/pmqtt-test-XXXXXX", parent);
    CHECK(mkdtemp(dir) != NULL);
    begin_janitor();
    for (attempt = 0; attempt < 10; attempt++) {
        port = choose_port(attempt);
        if (script("start", port))
            return;
    }
    CHECK(!"a broker starts");
}

void broker_start(void)
{
    if (janitor == NULL)
        start_first();
    else
        CHECK(script("start", port));
}

int broker_port(void)
{
    return port;
}

void broker_kill(void)
{
    CHECK(script("kill", 0));
}

static void send_signal(int number)
{
    char path[100];
    FILE *file;
    int pid = 0;

    snprintf(path, sizeof path, "%s/pid", dir);
    file = fopen(path, "r");
    CHECK(file != NULL);
    CHECK_INT(fscanf(file, "%d", &pid), 1);
    fclose(file);
    CHECK_INT(kill(pid, number), 0);
}

void broker_pause(void)
{
    send_signal(SIGSTOP);
}

void broker_resume(void)
{
    send_signal(SIGCONT);
}

/* The database is a new file after each save. */
static ino_t database(void)
{
    char path[100];
    struct stat status;

    snprintf(path, sizeof path, "%s/mosquitto.db", dir);
    return stat(path, &status) == 0 ? status.st_ino : 0;
}

void broker_save(void)
{
    ino_t before = database();

    send_signal(SIGUSR1);
    WAIT_UNTIL(database() != before);
}
