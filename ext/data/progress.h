/*
** progress.h - one line on a terminal for work that takes long.
**
** The line appears on standard error after two seconds, only where that is a terminal, is rewritten up
** to ten times a second, and is gone at the end.  What it says goes nowhere else: results do not depend on it.
*/
#ifndef BV_DATA_PROGRESS_H
#define BV_DATA_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct bv_progress {
  bool on, drawn;
  double began, shown; /* seconds of a steady clock */
} bv_progress;

/* on: false shows nothing ever. */
void bv_progress_init(bv_progress *p, bool on);

/* Say that n units ("rows") of it are done.  Cheap: mostly a look at the clock. */
void bv_progress_show(bv_progress *p, const char *what, int64_t n, const char *unit);

/* Wipe the line. */
void bv_progress_clear(bv_progress *p);

#endif
