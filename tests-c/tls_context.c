/* TLS, set by the program's own SSL_CTX. */
#include <openssl/ssl.h>

#include "check.h"
#include "openssl_queue.h"
#include "tls_rows.h"

/* Contexts that this program has made and that OpenSSL has not freed.  Each has the address of this
 * counter as its data, which the library's contexts do not have. */
static int living;
static int mark;

static void on_free(void *parent, void *data, CRYPTO_EX_DATA *all, int index, long number, void *pointer)
{
    (void)parent, (void)all, (void)index, (void)number, (void)pointer;
    if (data == &living)
        living--;
}

static SSL_CTX *new_context(const SSL_METHOD *method)
{
    SSL_CTX *context = SSL_CTX_new(method);

    CHECK(context != NULL);
    CHECK_INT(SSL_CTX_set_ex_data(context, mark, &living), 1);
    living++;
    return context;
}

/* A context that requires what a row says. */
static SSL_CTX *row_context(const row *row)
{
    SSL_CTX *context = new_context(TLS_client_method());

    SSL_CTX_set_verify(context, row->reqs == PMQTT_CERT_NONE ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    if (row->ca)
        CHECK_INT(SSL_CTX_load_verify_locations(context, row->ca, NULL), 1);
    if (row->cert) {
        CHECK_INT(SSL_CTX_use_certificate_chain_file(context, row->cert), 1);
        CHECK_INT(SSL_CTX_use_PrivateKey_file(context, row->key, SSL_FILETYPE_PEM), 1);
    }
    return context;
}

/* The program's own reference ends here.  Making the context has emptied OpenSSL's queue. */
static int give(pmqtt_client *client, SSL_CTX *context)
{
    int rc;

    queue_fill();
    rc = pmqtt_tls_context_set(client, context);
    SSL_CTX_free(context);
    return rc;
}

static int set_own(pmqtt_client *client, const row *row)
{
    return give(client, row_context(row));
}

static int set_own_twice(pmqtt_client *client, const row *row)
{
    CHECK_OK(give(client, new_context(TLS_client_method())));
    return give(client, row_context(row));
}

static int set_own_insecure(pmqtt_client *client, const row *row)
{
    CHECK_OK(pmqtt_tls_insecure_set(client, true));
    return give(client, row_context(row));
}

static int set_own_alpn(pmqtt_client *client, const row *row)
{
    static const char *const protocols[] = {"mqtt", "x-amzn-mqtt-ca"};

    CHECK_OK(give(client, row_context(row)));
    return pmqtt_tls_alpn_set(client, protocols, 2);
}

static int set_own_alpn_itself(pmqtt_client *client, const row *row)
{
    SSL_CTX *context = row_context(row);

    CHECK_INT(SSL_CTX_set_alpn_protos(context, (const unsigned char *)"\010http/1.1", 9), 0);
    return give(client, context);
}

static int set_own_dated(pmqtt_client *client, const row *row)
{
    SSL_CTX *context = row_context(row);

    CHECK_INT(SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION), 1);
    return give(client, context);
}

/* The old defaults of OpenSSL: a write that waits has to be repeated with the same bytes. */
static int set_own_modes(pmqtt_client *client, const row *row)
{
    SSL_CTX *context = row_context(row);

    SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY | SSL_MODE_ENABLE_PARTIAL_WRITE);
    return give(client, context);
}

static int refuse(int good, X509_STORE_CTX *store)
{
    (void)good;
    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
}

static int accept(int good, X509_STORE_CTX *store)
{
    (void)good, (void)store;
    return 1;
}

static int set_refusing(pmqtt_client *client, const row *row)
{
    SSL_CTX *context = row_context(row);

    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, refuse);
    return give(client, context);
}

static int set_accepting(pmqtt_client *client, const row *row)
{
    SSL_CTX *context = row_context(row);

    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, accept);
    return give(client, context);
}

static int set_server(pmqtt_client *client, const row *row)
{
    (void)row;
    return give(client, new_context(TLS_server_method()));
}

static int set_and_take_back(pmqtt_client *client, const row *row)
{
    CHECK_OK(set_files(client, row));
    CHECK_OK(give(client, new_context(TLS_client_method())));
    return pmqtt_tls_context_set(client, NULL);
}

static int set_files_after(pmqtt_client *client, const row *row)
{
    CHECK_OK(give(client, new_context(TLS_client_method())));
    return set_files(client, row);
}

static int set_none(pmqtt_client *client, const row *row)
{
    (void)row;
    return pmqtt_tls_context_set(client, NULL);
}

static int set_and_take_back_alone(pmqtt_client *client, const row *row)
{
    CHECK_OK(give(client, new_context(TLS_client_method())));
    return set_none(client, row);
}

static const row ROWS[] = {
    {"own context", ADDRESSED, AUTHORITY, .set = set_own},
    {"own context in place of another", ADDRESSED, AUTHORITY, .set = set_own_twice},
    {"own context, by name", NAMED, "broker.test", AUTHORITY, .set = set_own},
    {"own context, wrong host", NAMED, "other.test", AUTHORITY, .set = set_own,
     .rc = PMQTT_ERR_TLS, .error = "tls: other.test: the broker's certificate: hostname mismatch"},
    {"own context, a name's certificate for an address", NAMED, AUTHORITY, .set = set_own,
     .rc = PMQTT_ERR_TLS, .error = "tls: 127.0.0.1: the broker's certificate: IP address mismatch"},
    {"own context, insecure: any name", NAMED, AUTHORITY, .set = set_own_insecure},
    {"own context, insecure: not any date", EXPIRED, AUTHORITY, .set = set_own_insecure,
     .rc = PMQTT_ERR_TLS, .error = "tls: 127.0.0.1: the broker's certificate: certificate has expired"},
    {"own context, unknown authority", ADDRESSED, .ca = "stranger.pem", .reqs = PMQTT_CERT_REQUIRED,
     .set = set_own,
     .rc = PMQTT_ERR_TLS,
     .error = "tls: 127.0.0.1: the broker's certificate: unable to get local issuer certificate"},
    {"own context, none is demanded", EXPIRED, .reqs = PMQTT_CERT_NONE, .set = set_own},
    {"own callback refuses", ADDRESSED, AUTHORITY, .set = set_refusing,
     .rc = PMQTT_ERR_TLS, .error = "tls: 127.0.0.1: the broker's certificate: application verification failure"},
    {"own callback accepts", EXPIRED, .set = set_accepting},
    {"own context, client certificate", DEMANDING, AUTHORITY, .cert = "client.pem", .key = "client.key",
     .set = set_own},
    {"own context, client certificate missing", DEMANDING, AUTHORITY, .set = set_own,
     .rc = PMQTT_ERR_TLS, .error = "tls: connection lost: the broker refuses: alert certificate required"},
    {"own context, client certificate of a stranger", DEMANDING, AUTHORITY, .cert = "impostor.pem",
     .key = "impostor.key", .set = set_own,
     .rc = PMQTT_ERR_TLS, .error = "tls: connection lost: the broker refuses: alert unknown ca"},
    {"own context, ALPN", CHOOSING, AUTHORITY, .set = set_own_alpn},
    {"own context, ALPN of its own", CHOOSING, AUTHORITY, .set = set_own_alpn_itself,
     .rc = PMQTT_ERR_TLS, .error = "tls: 127.0.0.1: the broker refuses: alert no application protocol"},
    {"own context, no common version", MODERN, AUTHORITY, .set = set_own_dated,
     .rc = PMQTT_ERR_TLS, .error = "tls: 127.0.0.1: the broker refuses: alert protocol version"},
    {"own context, without modes", ADDRESSED, AUTHORITY, .set = set_own_modes},
    {"own context, made for servers", ADDRESSED, .set = set_server,
     .rc = PMQTT_ERR_TLS, .error = "tls: 127.0.0.1: called a function you should not call"},
    {"back to what was set", ADDRESSED, AUTHORITY, .set = set_and_take_back},
    {"back to what was set, and to its demands", ADDRESSED, .ca = "stranger.pem", .reqs = PMQTT_CERT_REQUIRED,
     .set = set_and_take_back,
     .rc = PMQTT_ERR_TLS,
     .error = "tls: 127.0.0.1: the certificate of 127.0.0.1: unable to get local issuer certificate"},
    {"no context, and nothing set", PLAIN, .set = set_none},
    {"own context taken back, and nothing set", PLAIN, .set = set_and_take_back_alone},
    {"what is set after the context holds", ADDRESSED, .ca = "stranger.pem", .reqs = PMQTT_CERT_REQUIRED,
     .set = set_files_after,
     .rc = PMQTT_ERR_TLS,
     .error = "tls: 127.0.0.1: the certificate of 127.0.0.1: unable to get local issuer certificate"},
};

int main(int argc, char **argv)
{
    mark = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, on_free);
    CHECK(mark >= 0);
    play_rows(argc, argv, ROWS, sizeof ROWS / sizeof *ROWS);
    CHECK_INT(living, 0);
    return 0;
}
