/*
** recorded_help.h - reading what other engines recorded: CSV files, plain or compressed, by position.
*/
#ifndef BV_TEST_RECORDED_HELP_H
#define BV_TEST_RECORDED_HELP_H

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

/* A profile with "name=value ..." on top. */
static inline bv_sim_config configure(const char *profile, const char *knobs) {
  bv_sim_config c = bv_sim_profile_find(profile)->config;
  char text[256], *save = NULL;
  snprintf(text, sizeof text, "%s", knobs);
  for (char *p = strtok_r(text, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
    char *value = strchr(p, '=');
    bv_err err = {0};
    assert_non_null(value);
    *value++ = 0;
    if (bv_sim_set_text(&c, p, value, &err) != BV_OK) fail_msg("%s", err.msg);
  }
  return c;
}

#endif
