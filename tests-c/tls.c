/* TLS, set by pmqtt's own functions. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "tls_rows.h"

static char *read_text(const char *path)
{
    static char text[8192];
    FILE *file = fopen(path, "r");
    size_t length;

    CHECK(file != NULL);
    length = fread(text, 1, sizeof text - 1, file);
    text[length] = '\0';
    fclose(file);
    return text;
}

static int set_memory(pmqtt_client *client, const row *row)
{
    return pmqtt_tls_pem_set(client, read_text(row->ca), NULL, NULL, row->reqs, row->version, row->ciphers);
}

static int set_insecure(pmqtt_client *client, const row *row)
{
    CHECK_OK(pmqtt_tls_insecure_set(client, true));
    return set_files(client, row);
}

static int set_alpn(pmqtt_client *client, const row *row)
{
    static const char *const protocols[] = {"mqtt", "x-amzn-mqtt-ca"};

    CHECK_OK(pmqtt_tls_alpn_set(client, protocols, 2));
    return set_files(client, row);
}

static int set_other_alpn(pmqtt_client *client, const row *row)
{
    static const char *const protocols[] = {"http/1.1"};

    CHECK_OK(pmqtt_tls_alpn_set(client, protocols, 1));
    return set_files(client, row);
}

static int set_empty_alpn(pmqtt_client *client, const row *row)
{
    static const char *const protocols[] = {"mqtt", ""};

    CHECK_OK(set_files(client, row));
    return pmqtt_tls_alpn_set(client, protocols, 2);
}

static const unsigned char KEY[16] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                      0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

static int set_psk(pmqtt_client *client, const row *row)
{
    (void)row;
    return pmqtt_tls_psk_set(client, "somebody", KEY, sizeof KEY);
}

static int set_wrong_psk(pmqtt_client *client, const row *row)
{
    (void)row;
    return pmqtt_tls_psk_set(client, "somebody", KEY, sizeof KEY - 1);
}

static int set_unknown_psk(pmqtt_client *client, const row *row)
{
    (void)row;
    return pmqtt_tls_psk_set(client, "nobody", KEY, sizeof KEY);
}

/* In TLS 1.3 a client learns only after its own CONNECT that the broker refuses its certificate, so
 * the error is a lost connection. */
static const row ROWS[] = {
    {"good chain, by name", NAMED, "broker.test", AUTHORITY},
    {"good chain, by address", ADDRESSED, AUTHORITY},
    {"wrong host", NAMED, "other.test", AUTHORITY,
     .rc = PMQTT_ERR_TLS, .error = "tls: other.test: the certificate of broker.test: hostname mismatch"},
    {"a name's certificate for an address", NAMED, AUTHORITY,
     .rc = PMQTT_ERR_TLS, .error = "tls: 127.0.0.1: the certificate of broker.test: IP address mismatch"},
    {"wildcard", WILDCARD, "a.wild.test", AUTHORITY},
    {"a wildcard is one label", WILDCARD, "a.b.wild.test", AUTHORITY,
     .rc = PMQTT_ERR_TLS, .error = "tls: a.b.wild.test: the certificate of *.wild.test: hostname mismatch"},
    {"expired", EXPIRED, AUTHORITY,
     .rc = PMQTT_ERR_TLS, .error = "tls: 127.0.0.1: the certificate of 127.0.0.1: certificate has expired"},
    {"not yet valid", EARLY, AUTHORITY,
     .rc = PMQTT_ERR_TLS,
     .error = "tls: 127.0.0.1: the certificate of 127.0.0.1: certificate is not yet valid"},
    {"self-signed", ALONE, AUTHORITY,
     .rc = PMQTT_ERR_TLS, .error = "tls: 127.0.0.1: the certificate of 127.0.0.1: self-signed certificate"},
    {"self-signed, and trusted", ALONE, .ca = "alone.pem", .reqs = PMQTT_CERT_REQUIRED},
    {"unknown authority", ADDRESSED, .ca = "stranger.pem", .reqs = PMQTT_CERT_REQUIRED,
     .rc = PMQTT_ERR_TLS,
     .error = "tls: 127.0.0.1: the certificate of 127.0.0.1: unable to get local issuer certificate"},
    {"optional is required", ADDRESSED, .ca = "stranger.pem", .reqs = PMQTT_CERT_OPTIONAL,
     .rc = PMQTT_ERR_TLS,
     .error = "tls: 127.0.0.1: the certificate of 127.0.0.1: unable to get local issuer certificate"},
    {"none is demanded", EXPIRED, .ca = "stranger.pem", .reqs = PMQTT_CERT_NONE},
    {"client certificate", DEMANDING, AUTHORITY, .cert = "client.pem", .key = "client.key"},
    {"client certificate, TLS 1.2", DEMANDING, AUTHORITY, .cert = "client.pem", .key = "client.key",
     .version = PMQTT_TLS_V1_2},
    {"client certificate missing", DEMANDING, AUTHORITY,
     .rc = PMQTT_ERR_TLS, .error = "tls: connection lost: the broker refuses: alert certificate required"},
    {"client certificate missing, TLS 1.2", DEMANDING, AUTHORITY, .version = PMQTT_TLS_V1_2,
     .rc = PMQTT_ERR_TLS, .error = "tls: 127.0.0.1: the broker refuses: alert handshake failure"},
    {"client certificate of a stranger", DEMANDING, AUTHORITY, .cert = "impostor.pem", .key = "impostor.key",
     .rc = PMQTT_ERR_TLS, .error = "tls: connection lost: the broker refuses: alert unknown ca"},
    {"client certificate of a stranger, TLS 1.2", DEMANDING, AUTHORITY, .cert = "impostor.pem",
     .key = "impostor.key", .version = PMQTT_TLS_V1_2,
     .rc = PMQTT_ERR_TLS, .error = "tls: 127.0.0.1: the broker refuses: alert unknown ca"},
    {"encrypted key", DEMANDING, AUTHORITY, .cert = "client.pem", .key = "locked.key", .password = "sesame"},
    {"encrypted key, wrong password", DEMANDING, AUTHORITY, .cert = "client.pem", .key = "locked.key",
     .password = "simsim",
     .rc = PMQTT_ERR_TLS,
     .error = "tls: keyfile locked.key: the key is encrypted, and the password is missing or wrong"},
    {"encrypted key, no password", DEMANDING, AUTHORITY, .cert = "client.pem", .key = "locked.key",
     .rc = PMQTT_ERR_TLS,
     .error = "tls: keyfile locked.key: the key is encrypted, and the password is missing or wrong"},
    {"another's key", DEMANDING, AUTHORITY, .cert = "client.pem", .key = "impostor.key",
     .rc = PMQTT_ERR_TLS, .error = "tls: keyfile impostor.key: the key does not belong to certfile client.pem"},
    {"key without certificate", DEMANDING, AUTHORITY, .key = "client.key",
     .rc = PMQTT_ERR_INVAL, .error = "tls: a keyfile needs a certfile"},
    {"no key in the certificate's file", DEMANDING, AUTHORITY, .cert = "client.pem",
     .rc = PMQTT_ERR_TLS,
     .error = "tls: keyfile client.pem: there is no private key in it that OpenSSL can use"},
    {"no such ca_certs", ADDRESSED, .ca = "none.pem", .reqs = PMQTT_CERT_REQUIRED,
     .rc = PMQTT_ERR_ERRNO, .error = "tls: ca_certs none.pem: No such file or directory (os error 2)"},
    {"no such certfile", ADDRESSED, AUTHORITY, .cert = "none.pem",
     .rc = PMQTT_ERR_ERRNO, .error = "tls: certfile none.pem: No such file or directory (os error 2)"},
    {"no such keyfile", ADDRESSED, AUTHORITY, .cert = "client.pem", .key = "none.key",
     .rc = PMQTT_ERR_ERRNO, .error = "tls: keyfile none.key: No such file or directory (os error 2)"},
    {"ca_certs without certificate", ADDRESSED, .ca = "text.pem", .reqs = PMQTT_CERT_REQUIRED,
     .rc = PMQTT_ERR_TLS, .error = "tls: ca_certs text.pem: there is no certificate in it"},
    {"keyfile without key", ADDRESSED, AUTHORITY, .cert = "client.pem", .key = "text.pem",
     .rc = PMQTT_ERR_TLS, .error = "tls: keyfile text.pem: there is no private key in it that OpenSSL can use"},
    {"TLS 1.2 only", ADDRESSED, AUTHORITY, .version = PMQTT_TLS_V1_2},
    {"TLS 1.3 only", MODERN, AUTHORITY, .version = PMQTT_TLS_V1_3},
    {"no common version", MODERN, AUTHORITY, .version = PMQTT_TLS_V1_2,
     .rc = PMQTT_ERR_TLS, .error = "tls: 127.0.0.1: the broker refuses: alert protocol version"},
    {"no common version, the other way round", DATED, AUTHORITY, .version = PMQTT_TLS_V1_3,
     .rc = PMQTT_ERR_TLS, .error = "tls: 127.0.0.1: the broker refuses: alert protocol version"},
    {"TLS 1.0 by its name", ANCIENT, AUTHORITY, .version = PMQTT_TLS_V1_0},
    {"TLS 1.0 by nobody's wish", ANCIENT, AUTHORITY,
     .rc = PMQTT_ERR_TLS, .error = "tls: 127.0.0.1: the broker refuses: alert protocol version"},
    {"no such version", ADDRESSED, AUTHORITY, .version = 14,
     .rc = PMQTT_ERR_INVAL, .error = "tls: tls_version 14 is none that is known"},
    {"no such demand", ADDRESSED, .ca = "authority.pem", .reqs = 3,
     .rc = PMQTT_ERR_INVAL, .error = "tls: cert_reqs 3 is none that is known"},
    {"ciphers", ADDRESSED, AUTHORITY, .ciphers = "TLS_AES_128_GCM_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256"},
    {"unknown ciphers", ADDRESSED, AUTHORITY, .ciphers = "ROT13",
     .rc = PMQTT_ERR_TLS, .error = "tls: ciphers: OpenSSL knows no cipher of ROT13"},
    {"unknown ciphers of TLS 1.3", ADDRESSED, AUTHORITY, .ciphers = "TLS_ROT13",
     .rc = PMQTT_ERR_TLS, .error = "tls: ciphers: OpenSSL knows no cipher of TLS_ROT13"},
    {"no common cipher", ADDRESSED, AUTHORITY, .version = PMQTT_TLS_V1_2,
     .ciphers = "ECDHE-RSA-AES128-GCM-SHA256",
     .rc = PMQTT_ERR_TLS, .error = "tls: 127.0.0.1: the broker refuses: alert handshake failure"},
    {"ALPN, which nobody looks at", ADDRESSED, AUTHORITY, .set = set_alpn},
    {"ALPN", CHOOSING, AUTHORITY, .set = set_alpn},
    {"no ALPN", CHOOSING, AUTHORITY},
    {"no common protocol in ALPN", CHOOSING, AUTHORITY, .set = set_other_alpn,
     .rc = PMQTT_ERR_TLS, .error = "tls: 127.0.0.1: the broker refuses: alert no application protocol"},
    {"an empty name in ALPN", ADDRESSED, AUTHORITY, .set = set_empty_alpn,
     .rc = PMQTT_ERR_TLS, .error = "tls: alpn: a name has 1 to 255 bytes"},
    {"PSK", PSK, .set = set_psk},
    {"PSK, wrong key", PSK, .set = set_wrong_psk,
     .rc = PMQTT_ERR_TLS, .error = "tls: 127.0.0.1: the broker refuses: alert illegal parameter"},
    {"PSK, unknown identity", PSK, .set = set_unknown_psk,
     .rc = PMQTT_ERR_TLS, .error = "tls: 127.0.0.1: the broker refuses: alert handshake failure"},
    {"authority from memory", ADDRESSED, AUTHORITY, .set = set_memory},
    {"another authority from memory", ADDRESSED, .ca = "stranger.pem", .reqs = PMQTT_CERT_REQUIRED,
     .set = set_memory,
     .rc = PMQTT_ERR_TLS,
     .error = "tls: 127.0.0.1: the certificate of 127.0.0.1: unable to get local issuer certificate"},
    {"text from memory", ADDRESSED, .ca = "text.pem", .reqs = PMQTT_CERT_REQUIRED, .set = set_memory,
     .rc = PMQTT_ERR_TLS, .error = "tls: ca_certs: there is no certificate in it"},
    {"insecure: any name", NAMED, AUTHORITY, .set = set_insecure},
    {"insecure: not any authority", NAMED, .ca = "stranger.pem", .reqs = PMQTT_CERT_REQUIRED,
     .set = set_insecure,
     .rc = PMQTT_ERR_TLS,
     .error = "tls: 127.0.0.1: the certificate of broker.test: unable to get local issuer certificate"},
    {"insecure: not any date", EXPIRED, AUTHORITY, .set = set_insecure,
     .rc = PMQTT_ERR_TLS, .error = "tls: 127.0.0.1: the certificate of 127.0.0.1: certificate has expired"},
    {"no TLS at the port", PLAIN, AUTHORITY,
     .rc = PMQTT_ERR_TLS,
     .error = "tls: 127.0.0.1: Connection reset by peer (os error 104); this port does not seem to speak TLS"},
};

int main(int argc, char **argv)
{
    return play_rows(argc, argv, ROWS, sizeof ROWS / sizeof *ROWS);
}
