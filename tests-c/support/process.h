/* The resources of the process. */
#ifndef PROCESS_H
#define PROCESS_H

int threads(void);
long resident_kib(void);

#endif
