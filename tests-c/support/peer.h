/* A broker that says what a test tells it to say, and nothing else. */
#ifndef PEER_H
#define PEER_H

#include <stdbool.h>
#include <stddef.h>

/* What it sends when the next packet has come. */
typedef struct answer {
    const char *bytes;
    size_t length;
} answer;

#define ANSWER(literal) {literal, sizeof(literal) - 1}

/* Return code 0, and 5. */
#define CONNACK ANSWER("\x20\x02\0\0")
#define REFUSAL ANSWER("\x20\x02\0\x05")

enum { PEER_ANSWERS = 4 };

typedef struct script {
    /* One for each packet, until one is empty. */
    answer answers[PEER_ANSWERS];
    /* Then it closes the connection, or else is silent until the client closes it. */
    bool closes;
} script;

typedef struct peer {
    int port;
    int pid;
} peer;

/* Plays the script for each connection that is made to the port, one after the other. */
void peer_start(peer *, const script *);
void peer_stop(const peer *);

#endif
