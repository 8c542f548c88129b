/* Many cases of one behaviour, each in a process of its own: what goes wrong in one, or hangs, is told
 * and leaves the others alone. */
#ifndef CASES_H
#define CASES_H

enum { CASE_S = 60 };

/* Plays the cases 0 to count - 1, so many at once, and returns how many have failed, be it by a check,
 * or because they took longer than CASE_S.  No other thread may run. */
int cases_play(int count, int at_once, void (*play)(int number));

#endif
