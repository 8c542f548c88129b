/* What the process takes of the system. */
#ifndef PROCESS_H
#define PROCESS_H

int threads(void);
long resident_kib(void);

#endif
