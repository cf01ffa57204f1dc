/*
** recorded_help.h - reading what other engines recorded: CSV files, plain or compressed, by position.
*/
#ifndef BV_TEST_RECORDED_HELP_H
#define BV_TEST_RECORDED_HELP_H

#include "knobs_help.h"

#include "base/text.h"
#include "sim/sim.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define ROOT "../shared/data/real/"

/* Split a line at its commas in place; missing fields are "". */
static inline void split(char *line, char *field[20]) {
  int n = 0;
  line[strcspn(line, "\r\n")] = 0;
  while (n < 20) {
    field[n++] = line;
    char *comma = strchr(line, ',');
    if (!comma) break;
    *comma = 0;
    line = comma + 1;
  }
  while (n < 20) field[n++] = line + strlen(line);
}

static inline double number(const char *text) {
  double v = NAN;
  if (*text) assert_int_equal(bv_parse_f64(text, strlen(text), &v), BV_OK);
  return v;
}

static inline gzFile open_csv(const char *dir, const char *name, const char *file) {
  char path[256];
  snprintf(path, sizeof path, ROOT "%s%s%s", dir, name, file);
  return gzopen(path, "rb");
}

static inline bool read_line(gzFile f, char *field[20]) {
  static char line[1024];
  if (!gzgets(f, line, sizeof line)) return false;
  split(line, field);
  return true;
}

#endif
