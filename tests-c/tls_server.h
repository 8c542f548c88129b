/* A TLS server that is no broker: openssl s_server.  What it reads from its input goes to its client, and
 * what the client sends goes to its output. */
#ifndef TLS_SERVER_H
#define TLS_SERVER_H

/* The port of each server that this program starts, one after the other. */
int tls_server_port(void);

/* Starts one.  `options` are those of s_server; it takes both descriptors, and both may be the same one.
 * Until it listens, connections to the port are refused. */
void tls_server_start(const char *options, int input, int output);

/* It takes TLS off, and a broker has the rest. */
void tls_server_start_before(int broker_port, const char *options);

/* It does nothing any more, until it goes on. */
void tls_server_pause(void);
void tls_server_resume(void);

/* As a power cut would: the system ends its connection, TLS does not. */
void tls_server_kill(void);

#endif
