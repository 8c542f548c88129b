/* A private mosquitto with its own port and directory.  It ends with the program, however that ends. */
#ifndef BROKER_H
#define BROKER_H

#define BROKER_HOST "127.0.0.1"

/* Starts it for the first time, or again with what it had saved, on the same port. */
void broker_start(void);
int broker_port(void);

/* SIGKILL. */
void broker_kill(void);

/* From now on it reads and answers nothing, but its connections stay open. */
void broker_pause(void);
void broker_resume(void);

/* Returns when all that it has to remember is on disk. */
void broker_save(void);

#endif
