#include "broker.h"

static SSL_CTX *load_certificate(const char *certificate, const char *key)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

    if (SSL_CTX_use_certificate_file(tls, certificate, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1)
        die("cannot use %s and %s", certificate, key);
    return tls;
}

struct order order_parse(int argc, char **argv, SSL_CTX **tls)
{
    struct order order = {.clients = 1};

    if (argc != 5 && argc != 6 && argc != 8)
        die("usage: broker WORK QOS COUNT SIZE [CLIENTS [CERT KEY]]");
    order.kind = work_parse_kind(argv[1]);
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
