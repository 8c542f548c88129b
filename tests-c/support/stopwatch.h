/* How long a thread took for something, and how much of that the machine caused. */
#ifndef STOPWATCH_H
#define STOPWATCH_H

typedef struct stopwatch {
    long long begin;
    double cpu_ms, starved_ms;
} stopwatch;

/* These functions are about the calling thread. */
stopwatch stopwatch_start(void);
double wall_ms_since(const stopwatch *);
double cpu_ms_since(const stopwatch *);

/* How long the thread was ready and had no processor, as far as the system tells. */
double starved_ms_since(const stopwatch *);

double thread_cpu_ms(void);

#endif
