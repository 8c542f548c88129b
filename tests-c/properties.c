/* Properties of MQTT 5: what the writer writes is read again, and bytes that are no list end the reading. */
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { LIST = 4000 };

/* All properties, each with a value and its bytes in a packet. */
static const struct row {
    int id;
    const char *name;
    enum { NUMBER, BYTES, PAIR } kind;
    uint32_t number;
    const char *text, *pair;
    size_t wire_len;
    const char *wire;
} TABLE[] = {
#define WIRE(bytes) sizeof(bytes) - 1, bytes
    {PMQTT_PROP_PAYLOAD_FORMAT_INDICATOR, "payload format indicator", NUMBER, 1, NULL, NULL, WIRE("\x01\x01")},
    {PMQTT_PROP_MESSAGE_EXPIRY_INTERVAL, "message expiry interval", NUMBER, 0x01020304, NULL, NULL,
     WIRE("\x02\x01\x02\x03\x04")},
    {PMQTT_PROP_CONTENT_TYPE, "content type", BYTES, 0, "text/plain", NULL, WIRE("\x03\0\x0atext/plain")},
    {PMQTT_PROP_RESPONSE_TOPIC, "response topic", BYTES, 0, "r/1", NULL, WIRE("\x08\0\3r/1")},
    {PMQTT_PROP_CORRELATION_DATA, "correlation data", BYTES, 0, "\xff\x01", NULL, WIRE("\x09\0\2\xff\x01")},
    {PMQTT_PROP_SUBSCRIPTION_IDENTIFIER, "subscription identifier", NUMBER, 268435455, NULL, NULL,
     WIRE("\x0b\xff\xff\xff\x7f")},
    {PMQTT_PROP_SESSION_EXPIRY_INTERVAL, "session expiry interval", NUMBER, 0xffffffff, NULL, NULL,
     WIRE("\x11\xff\xff\xff\xff")},
    {PMQTT_PROP_ASSIGNED_CLIENT_IDENTIFIER, "assigned client identifier", BYTES, 0, "id", NULL, WIRE("\x12\0\2id")},
    {PMQTT_PROP_SERVER_KEEP_ALIVE, "server keep alive", NUMBER, 0x1234, NULL, NULL, WIRE("\x13\x12\x34")},
    {PMQTT_PROP_AUTHENTICATION_METHOD, "authentication method", BYTES, 0, "M", NULL, WIRE("\x15\0\1M")},
    {PMQTT_PROP_AUTHENTICATION_DATA, "authentication data", BYTES, 0, "", NULL, WIRE("\x16\0\0")},
    {PMQTT_PROP_REQUEST_PROBLEM_INFORMATION, "request problem information", NUMBER, 0, NULL, NULL, WIRE("\x17\0")},
    {PMQTT_PROP_WILL_DELAY_INTERVAL, "will delay interval", NUMBER, 5, NULL, NULL, WIRE("\x18\0\0\0\5")},
    {PMQTT_PROP_REQUEST_RESPONSE_INFORMATION, "request response information", NUMBER, 1, NULL, NULL, WIRE("\x19\1")},
    {PMQTT_PROP_RESPONSE_INFORMATION, "response information", BYTES, 0, "i", NULL, WIRE("\x1a\0\1i")},
    {PMQTT_PROP_SERVER_REFERENCE, "server reference", BYTES, 0, "other", NULL, WIRE("\x1c\0\5other")},
    {PMQTT_PROP_REASON_STRING, "reason string", BYTES, 0, "\xc3\xbc", NULL, WIRE("\x1f\0\2\xc3\xbc")},
    {PMQTT_PROP_RECEIVE_MAXIMUM, "receive maximum", NUMBER, 65535, NULL, NULL, WIRE("\x21\xff\xff")},
    {PMQTT_PROP_TOPIC_ALIAS_MAXIMUM, "topic alias maximum", NUMBER, 0, NULL, NULL, WIRE("\x22\0\0")},
    {PMQTT_PROP_TOPIC_ALIAS, "topic alias", NUMBER, 1, NULL, NULL, WIRE("\x23\0\1")},
    {PMQTT_PROP_MAXIMUM_QOS, "maximum QoS", NUMBER, 1, NULL, NULL, WIRE("\x24\1")},
    {PMQTT_PROP_RETAIN_AVAILABLE, "retain available", NUMBER, 0, NULL, NULL, WIRE("\x25\0")},
    {PMQTT_PROP_USER_PROPERTY, "user property", PAIR, 0, "north", "site", WIRE("\x26\0\4site\0\5north")},
    {PMQTT_PROP_MAXIMUM_PACKET_SIZE, "maximum packet size", NUMBER, 1, NULL, NULL, WIRE("\x27\0\0\0\1")},
    {PMQTT_PROP_WILDCARD_SUBSCRIPTION_AVAILABLE, "wildcard subscription available", NUMBER, 1, NULL, NULL,
     WIRE("\x28\1")},
    {PMQTT_PROP_SUBSCRIPTION_IDENTIFIER_AVAILABLE, "subscription identifiers available", NUMBER, 0, NULL, NULL,
     WIRE("\x29\0")},
    {PMQTT_PROP_SHARED_SUBSCRIPTION_AVAILABLE, "shared subscription available", NUMBER, 1, NULL, NULL, WIRE("\x2a\1")},
};

enum { ROWS = sizeof TABLE / sizeof *TABLE };

static void add(pmqtt_property_writer *writer, const struct row *row)
{
    switch (row->kind) {
    case NUMBER:
        pmqtt_property_add_number(writer, row->id, row->number);
        break;
    case BYTES:
        pmqtt_property_add_bytes(writer, row->id, row->text, strlen(row->text));
        break;
    case PAIR:
        pmqtt_property_add_pair(writer, row->pair, row->text);
        break;
    }
}

static void check_piece(const char *actual, size_t length, const char *expected)
{
    CHECK((actual == NULL) == (expected == NULL));
    CHECK_INT(length, expected ? strlen(expected) : 0);
    CHECK(!expected || memcmp(actual, expected, length) == 0);
}

static void check_property(const pmqtt_property *property, const struct row *row)
{
    CHECK_INT(property->id, row->id);
    CHECK_INT(property->number, row->number);
    check_piece(property->name, property->name_len, row->pair);
    check_piece(property->value, property->value_len, row->text);
}

static pmqtt_properties all(char *room, size_t size)
{
    pmqtt_property_writer writer = {0};
    pmqtt_properties list;
    size_t i;

    writer.buf = room;
    writer.size = size;
    for (i = 0; i < ROWS; i++)
        add(&writer, &TABLE[i]);
    CHECK_OK(pmqtt_property_finish(&writer, &list));
    return list;
}

static void round_trip(void)
{
    char room[LIST];
    const pmqtt_properties list = all(room, sizeof room);
    pmqtt_property property;
    size_t i, position = 0, offset = 0;

    step("what was written is read");
    CHECK_INT(ROWS, 27);
    for (i = 0; i < ROWS; i++) {
        CHECK_INT(memcmp(room + offset, TABLE[i].wire, TABLE[i].wire_len), 0);
        offset += TABLE[i].wire_len;
        CHECK(pmqtt_property_next(&list, &position, &property));
        CHECK_INT(position, offset);
        check_property(&property, &TABLE[i]);
        CHECK(pmqtt_property_find(&list, TABLE[i].id, &property));
        check_property(&property, &TABLE[i]);
        CHECK_TEXT(pmqtt_property_name(TABLE[i].id), TABLE[i].name);
    }
    CHECK_INT(list.len, offset);
    CHECK(!pmqtt_property_next(&list, &position, &property));
    CHECK_INT(position, offset);
}

static void several_of_one_kind(void)
{
    char room[100];
    pmqtt_property_writer writer = PMQTT_PROPERTY_WRITER(room);
    pmqtt_properties list;
    pmqtt_property property = {0};

    step("the first one is found");
    pmqtt_property_add_pair(&writer, "b", "1");
    pmqtt_property_add_number(&writer, PMQTT_PROP_SUBSCRIPTION_IDENTIFIER, 127);
    pmqtt_property_add_number(&writer, PMQTT_PROP_SUBSCRIPTION_IDENTIFIER, 128);
    pmqtt_property_add_pair(&writer, "a", "2");
    pmqtt_property_add_pair(&writer, "a", "3");
    pmqtt_property_add_pair(&writer, "", "");
    CHECK_OK(pmqtt_property_finish(&writer, &list));
    CHECK(pmqtt_property_find(&list, PMQTT_PROP_SUBSCRIPTION_IDENTIFIER, &property));
    CHECK_INT(property.number, 127);
    CHECK(pmqtt_property_user(&list, "a", &property));
    check_piece(property.value, property.value_len, "2");
    CHECK(pmqtt_property_user(&list, "", &property));
    check_piece(property.value, property.value_len, "");
    CHECK(!pmqtt_property_user(&list, "c", &property));
    CHECK(!pmqtt_property_user(&list, "ab", &property));
    CHECK(!pmqtt_property_find(&list, PMQTT_PROP_CONTENT_TYPE, &property));
    check_piece(property.value, property.value_len, "");
}

/* Each list ends on the heap where its bytes end, so that valgrind sees who reads on. */
static void hostile_bytes(void)
{
    char room[LIST];
    const pmqtt_properties list = all(room, sizeof room);
    size_t cut, i, position, whole;
    int id;

    step("lists that are cut off");
    for (cut = 0; cut < list.len; cut++) {
        char *bytes = malloc(cut ? cut : 1);
        const pmqtt_properties part = {bytes, cut};

        CHECK(bytes != NULL);
        memcpy(bytes, room, cut);
        for (position = whole = i = 0; pmqtt_property_next(&part, &position, NULL); i++)
            whole += TABLE[i].wire_len;
        CHECK_INT(position, whole);
        CHECK(whole <= cut && whole + TABLE[i].wire_len > cut);
        CHECK(!pmqtt_property_find(&part, PMQTT_PROP_SHARED_SUBSCRIPTION_AVAILABLE, NULL));
        free(bytes);
    }
    step("unknown identifiers");
    for (id = 0; id < 256; id++) {
        char *bytes = calloc(1, 5);
        const pmqtt_properties five = {bytes, 5};
        bool is_known = false;

        CHECK(bytes != NULL);
        bytes[0] = (char)id;
        for (i = 0; i < ROWS; i++)
            is_known = is_known || TABLE[i].id == id;
        position = 0;
        CHECK_INT(pmqtt_property_next(&five, &position, NULL), is_known);
        CHECK_INT(strcmp(pmqtt_property_name(id), "unknown property") != 0, is_known);
        free(bytes);
    }
    step("numbers in more bytes than they need or than there are");
    CHECK(!pmqtt_property_next(&(pmqtt_properties){"\x0b\x80\0", 3}, &(size_t){0}, NULL));
    CHECK(!pmqtt_property_next(&(pmqtt_properties){"\x0b\xff\xff\xff\xff\x7f", 6}, &(size_t){0}, NULL));
    CHECK_TEXT(pmqtt_property_name(-1), "unknown property");
    CHECK_TEXT(pmqtt_property_name(0x101), "unknown property");
}

static void nothing_to_read(void)
{
    const pmqtt_properties one = {"\x24\1", 2}, none = {NULL, 0}, wild = {NULL, 5}, endless = {"\x24\1", (size_t)-1};
    const pmqtt_properties *const empty[] = {NULL, &none, &wild, &endless};
    static const size_t BEHIND[] = {2, 3, 1000, (size_t)-1 / 2, (size_t)-1};
    pmqtt_property property;
    size_t i, position = 0;

    step("NULL, and positions behind the end");
    for (i = 0; i < sizeof empty / sizeof *empty; i++) {
        CHECK(!pmqtt_property_next(empty[i], &position, &property));
        CHECK(!pmqtt_property_find(empty[i], PMQTT_PROP_MAXIMUM_QOS, &property));
        CHECK(!pmqtt_property_user(empty[i], "a", &property));
    }
    CHECK_INT(position, 0);
    CHECK(!pmqtt_property_next(&one, NULL, &property));
    CHECK(!pmqtt_property_user(&one, NULL, &property));
    for (i = 0; i < sizeof BEHIND / sizeof *BEHIND; i++) {
        position = BEHIND[i];
        CHECK(!pmqtt_property_next(&one, &position, &property));
        CHECK(position == BEHIND[i]);
    }
    CHECK(pmqtt_property_find(&one, PMQTT_PROP_MAXIMUM_QOS, NULL));
    CHECK(!pmqtt_property_find(&one, PMQTT_PROP_MAXIMUM_QOS + 256, NULL));
    CHECK(!pmqtt_property_find(&one, PMQTT_PROP_MAXIMUM_QOS - 256, NULL));
}

/* The call fails, and so does what follows. */
#define FAILS(call, error)                                                              \
    do {                                                                                \
        pmqtt_property_writer writer = PMQTT_PROPERTY_WRITER(room);                     \
        pmqtt_properties list = {room, 1};                                              \
        pmqtt_property_add_number(&writer, PMQTT_PROP_MAXIMUM_QOS, 1);                  \
        call;                                                                           \
        CHECK_RC(writer.rc, error);                                                     \
        CHECK_INT(writer.len, 2);                                                       \
        pmqtt_property_add_number(&writer, PMQTT_PROP_MAXIMUM_QOS, 1);                  \
        CHECK_INT(writer.len, 2);                                                       \
        CHECK_RC(pmqtt_property_finish(&writer, &list), error);                         \
        CHECK_INT(list.len, 1);                                                         \
    } while (0)

static void wrong_values(void)
{
    static char room[200000], text[65537];
    size_t i;

    step("wrong values");
    memset(text, 'a', sizeof text - 1);
    FAILS(pmqtt_property_add_number(&writer, 0, 1), PMQTT_ERR_INVAL);
    FAILS(pmqtt_property_add_number(&writer, 43, 1), PMQTT_ERR_INVAL);
    FAILS(pmqtt_property_add_number(&writer, -1, 1), PMQTT_ERR_INVAL);
    FAILS(pmqtt_property_add_number(&writer, 256 + PMQTT_PROP_MAXIMUM_QOS, 1), PMQTT_ERR_INVAL);
    for (i = 0; i < ROWS; i++) {
        if (TABLE[i].kind != NUMBER)
            FAILS(pmqtt_property_add_number(&writer, TABLE[i].id, 1), PMQTT_ERR_INVAL);
        if (TABLE[i].kind != BYTES)
            FAILS(pmqtt_property_add_bytes(&writer, TABLE[i].id, "a", 1), PMQTT_ERR_INVAL);
    }
    FAILS(pmqtt_property_add_number(&writer, PMQTT_PROP_PAYLOAD_FORMAT_INDICATOR, 2), PMQTT_ERR_INVAL);
    FAILS(pmqtt_property_add_number(&writer, PMQTT_PROP_RECEIVE_MAXIMUM, 0), PMQTT_ERR_INVAL);
    FAILS(pmqtt_property_add_number(&writer, PMQTT_PROP_RECEIVE_MAXIMUM, 65536), PMQTT_ERR_INVAL);
    FAILS(pmqtt_property_add_number(&writer, PMQTT_PROP_TOPIC_ALIAS, 0), PMQTT_ERR_INVAL);
    FAILS(pmqtt_property_add_number(&writer, PMQTT_PROP_MAXIMUM_PACKET_SIZE, 0), PMQTT_ERR_INVAL);
    FAILS(pmqtt_property_add_number(&writer, PMQTT_PROP_SUBSCRIPTION_IDENTIFIER, 0), PMQTT_ERR_INVAL);
    FAILS(pmqtt_property_add_number(&writer, PMQTT_PROP_SUBSCRIPTION_IDENTIFIER, 268435456), PMQTT_ERR_INVAL);

    FAILS(pmqtt_property_add_bytes(&writer, PMQTT_PROP_CONTENT_TYPE, "\xff", 1), PMQTT_ERR_INVAL);
    FAILS(pmqtt_property_add_bytes(&writer, PMQTT_PROP_CONTENT_TYPE, "a\0b", 3), PMQTT_ERR_INVAL);
    FAILS(pmqtt_property_add_bytes(&writer, PMQTT_PROP_CONTENT_TYPE, NULL, 1), PMQTT_ERR_INVAL);
    FAILS(pmqtt_property_add_bytes(&writer, PMQTT_PROP_CONTENT_TYPE, text, 65536), PMQTT_ERR_INVAL);
    FAILS(pmqtt_property_add_bytes(&writer, PMQTT_PROP_CONTENT_TYPE, text, (size_t)-1), PMQTT_ERR_INVAL);
    FAILS(pmqtt_property_add_bytes(&writer, PMQTT_PROP_RESPONSE_TOPIC, "a/#", 3), PMQTT_ERR_INVAL);
    FAILS(pmqtt_property_add_bytes(&writer, PMQTT_PROP_RESPONSE_TOPIC, "", 0), PMQTT_ERR_INVAL);

    FAILS(pmqtt_property_add_pair(&writer, NULL, "a"), PMQTT_ERR_INVAL);
    FAILS(pmqtt_property_add_pair(&writer, "a", NULL), PMQTT_ERR_INVAL);
    FAILS(pmqtt_property_add_pair(&writer, "\xff", "a"), PMQTT_ERR_INVAL);
    FAILS(pmqtt_property_add_pair(&writer, "a", "\xed\xa0\x80"), PMQTT_ERR_INVAL);
    FAILS(pmqtt_property_add_pair(&writer, text, "a"), PMQTT_ERR_INVAL);
}

static void the_largest(void)
{
    static char room[200000], text[65536];
    pmqtt_property_writer writer = PMQTT_PROPERTY_WRITER(room);
    pmqtt_properties list;
    pmqtt_property property;

    step("the largest values");
    memset(text, 'a', sizeof text - 1);
    pmqtt_property_add_bytes(&writer, PMQTT_PROP_CORRELATION_DATA, text, 65535);
    pmqtt_property_add_pair(&writer, text, text);
    CHECK_OK(pmqtt_property_finish(&writer, &list));
    CHECK_INT(list.len, 3 + 65535 + 5 + 2 * 65535);
    CHECK(pmqtt_property_user(&list, text, &property));
    CHECK_INT(property.value_len, 65535);
}

/* Each room that is too small keeps the properties that fit. */
static void full_rooms(void)
{
    size_t size, i, whole;

    step("rooms that are too small");
    for (size = 0; size < 200; size++) {
        char *room = malloc(size ? size : 1);
        pmqtt_property_writer writer = {0};
        pmqtt_properties list;

        CHECK(room != NULL);
        writer.buf = room;
        writer.size = size;
        for (whole = i = 0; i < ROWS; i++) {
            add(&writer, &TABLE[i]);
            if (whole + TABLE[i].wire_len > size)
                break;
            whole += TABLE[i].wire_len;
        }
        CHECK_INT(writer.len, whole);
        CHECK_RC(pmqtt_property_finish(&writer, &list), i < ROWS ? PMQTT_ERR_PAYLOAD_SIZE : PMQTT_ERR_SUCCESS);
        free(room);
    }
}

static void no_writer(void)
{
    char room[10];
    pmqtt_property_writer writer = PMQTT_PROPERTY_WRITER(room), without = {NULL, 10, 0, 0}, wild = {room, 10, 11, 0};
    pmqtt_properties list;

    step("no writer, and no room");
    pmqtt_property_add_number(NULL, PMQTT_PROP_MAXIMUM_QOS, 1);
    pmqtt_property_add_bytes(NULL, PMQTT_PROP_CONTENT_TYPE, "a", 1);
    pmqtt_property_add_pair(NULL, "a", "b");
    CHECK_RC(pmqtt_property_finish(NULL, &list), PMQTT_ERR_INVAL);
    CHECK_RC(pmqtt_property_finish(&writer, NULL), PMQTT_ERR_INVAL);
    CHECK_OK(pmqtt_property_finish(&writer, &list));
    CHECK_INT(list.len, 0);
    pmqtt_property_add_number(&without, PMQTT_PROP_MAXIMUM_QOS, 1);
    CHECK_RC(pmqtt_property_finish(&without, &list), PMQTT_ERR_PAYLOAD_SIZE);
    pmqtt_property_add_number(&wild, PMQTT_PROP_MAXIMUM_QOS, 1);
    CHECK_RC(pmqtt_property_finish(&wild, &list), PMQTT_ERR_PAYLOAD_SIZE);
    pmqtt_property_add_bytes(&writer, PMQTT_PROP_CORRELATION_DATA, NULL, 0);
    CHECK_OK(pmqtt_property_finish(&writer, &list));
    CHECK_INT(list.len, 3);
}

int main(void)
{
    watchdog(120);
    round_trip();
    several_of_one_kind();
    hostile_bytes();
    nothing_to_read();
    wrong_values();
    the_largest();
    full_rooms();
    no_writer();
    return 0;
}
