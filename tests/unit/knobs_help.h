/*
** knobs_help.h - configurations of the simulator from text, for tests.
*/
#ifndef KNOBS_HELP_H
#define KNOBS_HELP_H

#include "sim/sim.h"

#include <stdio.h>
#include <string.h>

/* A profile with "name=value ..." on top. */
static inline bv_sim_config configure(const char *profile, const char *knobs) {
  bv_sim_config c = bv_sim_profile_find(profile)->config;
  char text[512], *save = NULL;
  assert_true(strlen(knobs) < sizeof text);
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

/* Of each pair the first, on top of the default profile, cannot be, and the error has the second in it. */
static inline void assert_contradictions(const char *const pair[][2], size_t n) {
  for (size_t i = 0; i < n; i++) {
    bv_err err = {0};
    bv_sim_config c = configure("default", pair[i][0]);
    assert_int_equal(bv_sim_config_check(&c, &err), BV_ARG);
    if (!strstr(err.msg, pair[i][1])) fail_msg("'%s' lacks '%s'", err.msg, pair[i][1]);
  }
}

#endif
