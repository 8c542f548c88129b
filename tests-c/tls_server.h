/* A TLS server that is not a broker: openssl s_server.  It sends its input to its client, and writes
 * what the client sends to its output. */
#ifndef TLS_SERVER_H
#define TLS_SERVER_H

/* The port of each server that this program starts, one after the other. */
int tls_server_port(void);

/* Starts one.  `options` are those of s_server; it takes both descriptors, which may be the same.
 * Until it listens, connections to the port are refused. */
void tls_server_start(const char *options, int input, int output);

/* It terminates TLS, and passes the bytes to a broker. */
void tls_server_start_before(int broker_port, const char *options);

/* It does nothing until tls_server_resume. */
void tls_server_pause(void);
void tls_server_resume(void);

/* As after a power cut: the system ends its connection, without TLS's close_notify. */
void tls_server_kill(void);

#endif
