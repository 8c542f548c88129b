/* Connects to an address with a zone, and prints a line that says where it is connected:
 *   zones HOST PORT BIND_ADDRESS [CA_FILE]
 * BIND_ADDRESS `-` is NULL.  With a CA_FILE, over TLS. */
#define _POSIX_C_SOURCE 200112L
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pmqtt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static pmqtt_client *client;

static void must(int holds, const char *what)
{
    if (!holds) {
        char words[512] = "";
        pmqtt_last_error(client, words, sizeof words);
        fprintf(stderr, "zones: %s (%s)\n", what, words);
        exit(1);
    }
}

static void report(int rc)
{
    struct sockaddr_in6 own;
    socklen_t length = sizeof own;
    char text[INET6_ADDRSTRLEN], words[4096];

    if (rc != PMQTT_ERR_SUCCESS) {
        pmqtt_last_error(client, words, sizeof words);
        printf("failed with %d: %s\n", rc, words);
        return;
    }
    must(getsockname(pmqtt_socket(client), (struct sockaddr *)&own, &length) == 0, "no address");
    must(inet_ntop(AF_INET6, &own.sin6_addr, text, sizeof text) != NULL, "no text");
    printf("connected from %s\n", text);
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: zones HOST PORT BIND_ADDRESS [CA_FILE]\n");
        return 2;
    }
    must(pmqtt_client_new(&client, NULL, true, NULL, 0) == PMQTT_ERR_SUCCESS, "no client");
    must(pmqtt_connect_timeout_set(client, 5000) == PMQTT_ERR_SUCCESS, "no timeout");
    if (argc > 4)
        must(pmqtt_tls_set(client, argv[4], NULL, NULL, PMQTT_CERT_REQUIRED, 0, NULL) == PMQTT_ERR_SUCCESS, "no TLS");
    report(pmqtt_connect(client, argv[1], atoi(argv[2]), 60, strcmp(argv[3], "-") == 0 ? NULL : argv[3]));
    pmqtt_client_free(client);
    return 0;
}
