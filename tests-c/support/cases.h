/* Many cases of one behaviour, each in its own process: a case that fails or hangs is reported, and
 * does not affect the others. */
#ifndef CASES_H
#define CASES_H

enum { CASE_S = 60 };

/* Plays the cases 0 to count - 1, `at_once` at the same time, and returns how many have failed: by a
 * check, or because they took longer than CASE_S.  No other thread may run. */
int cases_play(int count, int at_once, void (*play)(int number));

#endif
