/* progress.c - one line on a terminal for work that takes long; see progress.h. */
#include "data/progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_S 2.0
#define REDRAW_S   0.1
#define WIDTH      78

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void bv_progress_init(bv_progress *p, bool on) {
  *p = (bv_progress){.on = on && isatty(STDERR_FILENO)};
  if (p->on) p->began = seconds();
}

void bv_progress_show(bv_progress *p, const char *what, int64_t done, const char *unit) {
  if (!p->on) return;
  double now = seconds(), took = now - p->began;
  if (took < PATIENCE_S || now - p->shown < REDRAW_S) return;
  char line[WIDTH + 1];
  size_t n = strlen(what), keep = 36;
  const char *tail =
      n > keep ? what + n - keep : what; /* a path's end says more than its beginning */
  snprintf(line, sizeof line, "%s%s: %.1f million %s, %.1f million a second", n > keep ? "..." : "",
           tail, (double)done / 1e6, unit, (double)done / took / 1e6);
  fprintf(stderr, "\r%-*s", WIDTH, line);
  fflush(stderr);
  p->shown = now;
  p->drawn = true;
}

void bv_progress_clear(bv_progress *p) {
  if (!p->drawn) return;
  fprintf(stderr, "\r%*s\r", WIDTH, "");
  fflush(stderr);
  p->drawn = false;
}
