/* What the files of the demo share. */
#ifndef DEMO_H
#define DEMO_H

/* Prints a line of the report. */
void say(const char *what, const char *format, ...);

/* Prints why the demo has failed, and ends it. */
void fail(const char *format, ...);

double now_ms(void);

/* The last step, with a client of its own. `id` keeps its topic apart from those of other runs. */
void show_mqtt5(const char *host, int port, const char *id);

#endif
