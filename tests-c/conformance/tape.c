#include "tape.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "wait.h"

enum { TAPES = 8, PACKETS = 64, BYTES = 40, NAME = 16 };

/* Without bytes: the end of the connection. */
struct packet {
    long long at_ms;
    enum way way;
    bool is_lost;
    size_t length;
    unsigned char bytes[BYTES];
};

struct tape {
    char name[NAME];
    /* Packet number n is in place n % PACKETS.  Only the thread that holds the wire's lock adds one. */
    size_t count;
    struct packet packets[PACKETS];
};

/* Shared by a case and its parent. */
static struct shared {
    int count;
    long long begin_ms;
    struct tape tapes[TAPES];
} *shared;

static struct shared *share(void)
{
    FILE *file = tmpfile();
    void *memory;

    CHECK(file != NULL);
    CHECK_INT(ftruncate(fileno(file), sizeof *shared), 0);
    memory = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
    CHECK(memory != MAP_FAILED);
    fclose(file);
    return memory;
}

void tapes_clear(void)
{
    if (shared == NULL)
        shared = share();
    memset(shared, 0, sizeof *shared);
    shared->begin_ms = now_ms();
}

tape *tape_new(const char *name)
{
    tape *new;

    CHECK(shared->count < TAPES);
    new = &shared->tapes[shared->count++];
    snprintf(new->name, sizeof new->name, "%s", name);
    return new;
}

static struct packet *next(tape *self, enum way way, bool is_lost)
{
    struct packet *packet = &self->packets[self->count++ % PACKETS];

    packet->at_ms = now_ms();
    packet->way = way;
    packet->is_lost = is_lost;
    packet->length = 0;
    return packet;
}

void tape_add(tape *self, enum way way, const unsigned char *bytes, size_t length, bool is_lost)
{
    struct packet *packet = next(self, way, is_lost);

    packet->length = length;
    memcpy(packet->bytes, bytes, length < BYTES ? length : BYTES);
}

void tape_end_of_connection(tape *self, enum way way, bool is_lost)
{
    next(self, way, is_lost);
}

static const char *kind(const struct packet *packet)
{
    static const char *const TYPES[] = {
        "0", "CONNECT", "CONNACK", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "SUBSCRIBE", "SUBACK",
        "UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH",
    };

    return packet->length == 0 ? "end of the connection" : TYPES[packet->bytes[0] >> 4];
}

static void print(FILE *file, const char *name, const struct packet *packet)
{
    size_t i;

    fprintf(file, "    %6.3f s  %s %s %s", (double)(packet->at_ms - shared->begin_ms) / 1000, name,
            packet->way == TO_BROKER ? "-->" : "<--", kind(packet));
    for (i = 0; i < packet->length && i < BYTES; i++)
        fprintf(file, " %02x", packet->bytes[i]);
    if (packet->length > BYTES)
        fprintf(file, " ... (%zu bytes)", packet->length);
    fprintf(file, "%s\n", packet->is_lost ? "  (lost)" : "");
}

void tapes_print(FILE *file)
{
    const struct tape *tape;
    size_t number;

    for (tape = shared->tapes; tape < shared->tapes + shared->count; tape++) {
        if (tape->count > PACKETS)
            fprintf(file, "    %s: the last %d of %zu packets\n", tape->name, PACKETS, tape->count);
        for (number = tape->count > PACKETS ? tape->count - PACKETS : 0; number < tape->count; number++)
            print(file, tape->name, &tape->packets[number % PACKETS]);
    }
}
