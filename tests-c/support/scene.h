/* A client that meets one given callback, in which the test acts once. */
#ifndef SCENE_H
#define SCENE_H

#include <stdbool.h>

#include "client.h"
#include "tally.h"

typedef enum callback {
    IN_CONNECT,
    IN_CONNECT_FAIL,
    IN_DISCONNECT,
    IN_MESSAGE,
    IN_FILTER_MESSAGE,
    IN_PUBLISH,
    IN_SUBSCRIBE,
    IN_UNSUBSCRIBE,
    IN_WRITABLE,
    IN_DRAINED,
    IN_LOG,
    IN_INTEREST,
    IN_INTEREST_CLOSING,
    CALLBACKS
} callback;

extern const char *const CALLBACK_NAMES[CALLBACKS];

/* A filter with a callback in each scene, and a port where nothing listens. */
#define SCENE_FILTER "scene/filter"
#define SCENE_NO_PORT 1

typedef struct scene {
    callback where;
    void (*act)(struct scene *);
    pmqtt_client *client;
    /* on_connect was called, and has started the rest. */
    bool connected;
    tally begun, acted;
} scene;

/* Makes the client with its callbacks, and begins to connect. The loop that runs it meets the
 * callback. */
void scene_begin(scene *, callback where, void (*act)(scene *));

/* Whether there is a connection in this callback. */
bool scene_is_connected(callback where);

/* Ways to run the client until the test has acted. */
typedef struct scene_loop {
    const char *name;
    void (*run)(scene *);
} scene_loop;

enum { SCENE_LOOP, SCENE_FOREVER, SCENE_THREAD, SCENE_READ, SCENE_PROCESS, SCENE_LOOPS };

extern const scene_loop SCENE_RUN[SCENE_LOOPS];

/* Whether this loop calls the callback: only a foreign loop is told what to wait for. */
bool scene_is_met(callback where, int loop);

#endif
