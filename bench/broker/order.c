#include "broker.h"

static SSL_CTX *load_certificate(const char *certificate, const char *key)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

    if (SSL_CTX_use_certificate_file(tls, certificate, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1)
        die("cannot use %s and %s", certificate, key);
    return tls;
}

/* As pmqtt writes the properties of drivers/pmqtt_work.c. */
static struct section section_of(enum work_form form)
{
    static const uint8_t without[] = {0};
    static const uint8_t with[] = "\x2d\x03\0\x10" CONTENT_TYPE "\x26\0\x04" SITE "\0\x05" SITE_VALUE
                                  "\x26\0\x04" UNIT "\0\x03" UNIT_VALUE;
    _Static_assert(sizeof with <= SECTION_MAX && sizeof with - 1 == 0x2d + 1, "the length in front is right");

    switch (form) {
    case FORM_5:
        return (struct section){without, sizeof without};
    case FORM_5_PROPERTIES:
        return (struct section){with, sizeof with - 1};
    default:
        return (struct section){NULL, 0};
    }
}

struct order order_parse(int argc, char **argv, SSL_CTX **tls)
{
    struct order order = {.clients = 1};

    if (argc != 5 && argc != 6 && argc != 8)
        die("usage: broker WORK QOS COUNT SIZE [CLIENTS [CERT KEY]]");
    order.kind = work_parse_kind(argv[1]);
    order.section = section_of(work_parse_form(argv[1]));
    order.qos = atoi(argv[2]);
    order.count = (uint32_t)atol(argv[3]);
    order.size = (size_t)atol(argv[4]);
    if (argc > 5)
        order.clients = (uint32_t)atol(argv[5]);
    if (argc > 7)
        *tls = load_certificate(argv[6], argv[7]);
    order.connections = order.kind == WORK_CONNECT ? order.count * order.clients : order.clients;
    return order;
}
