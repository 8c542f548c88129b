#include "client.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>

#include "check.h"

enum { MOST = 16 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pmqtt_client *living[MOST];

/* Replaces one client by another; NULL is a free place. */
static void replace(const pmqtt_client *old, pmqtt_client *new)
{
    int i;

    pthread_mutex_lock(&lock);
    for (i = 0; i < MOST && living[i] != old; i++)
        ;
    if (i < MOST)
        living[i] = new;
    pthread_mutex_unlock(&lock);
    CHECK(i < MOST);
}

pmqtt_client *client_new(const char *id, void *userdata)
{
    return client_new_as(id, id == NULL, PMQTT_PROTOCOL_V311, userdata);
}

pmqtt_client *client_new_as(const char *id, bool clean, int protocol, void *userdata)
{
    pmqtt_client *client = NULL;

    CHECK_OK(pmqtt_client_new(&client, id, clean, userdata, protocol));
    CHECK(client != NULL);
    replace(NULL, client);
    return client;
}

void client_free(pmqtt_client *client)
{
    client_forget(client);
    pmqtt_client_free(client);
}

void client_forget(pmqtt_client *client)
{
    replace(client, NULL);
}

pmqtt_statistics client_stats(const pmqtt_client *client)
{
    pmqtt_statistics stats;

    stats.struct_size = sizeof stats;
    CHECK_OK(pmqtt_stats(client, &stats));
    return stats;
}

void clients_print_errors(void)
{
    char text[300];
    int i;

    /* A client that is being freed must not be asked, and a failure must not wait for a lock for
     * ever. */
    if (pthread_mutex_trylock(&lock) != 0)
        return;
    for (i = 0; i < MOST; i++) {
        if (living[i]) {
            pmqtt_last_error(living[i], text, sizeof text);
            fprintf(stderr, "  last error of %s: %s\n", pmqtt_client_id(living[i]), text);
        }
    }
    pthread_mutex_unlock(&lock);
}

int open_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;

    CHECK(directory != NULL);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}
