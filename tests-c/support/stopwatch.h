/* How long something took a thread, and how much of that is the machine's fault. */
#ifndef STOPWATCH_H
#define STOPWATCH_H

typedef struct stopwatch {
    long long begin;
    double cpu_ms, starved_ms;
} stopwatch;

/* All that follow are of the thread that calls. */
stopwatch stopwatch_start(void);
double wall_ms_since(const stopwatch *);
double cpu_ms_since(const stopwatch *);

/* How long the thread could have run and had no processor, as far as the system tells. */
double starved_ms_since(const stopwatch *);

double thread_cpu_ms(void);

#endif
