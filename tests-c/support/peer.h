/* A broker that sends what a test tells it to send, and nothing else. */
#ifndef PEER_H
#define PEER_H

#include <stdbool.h>
#include <stddef.h>

/* What it sends when the next packet has arrived. */
typedef struct answer {
    const char *bytes;
    size_t length;
} answer;

#define ANSWER(literal) {literal, sizeof(literal) - 1}

/* Return codes 0 and 5. */
#define CONNACK ANSWER("\x20\x02\0\0")
#define REFUSAL ANSWER("\x20\x02\0\x05")

enum { PEER_ANSWERS = 4 };

typedef struct script {
    /* One for each packet, until an empty one. */
    answer answers[PEER_ANSWERS];
    /* Then it closes the connection; otherwise it is silent until the client closes it. */
    bool closes;
} script;

typedef struct peer {
    int port;
    int pid;
} peer;

/* Plays the script for each connection to the port, one after the other. */
void peer_start(peer *, const script *);
void peer_stop(const peer *);

#endif
