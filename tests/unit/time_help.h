/*
** time_help.h - what the tests of zones, timesteps and buckets share.
*/
#ifndef BV_TESTS_TIME_HELP_H
#define BV_TESTS_TIME_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <unistd.h>

#include "time/instant.h"
#include "time/zone.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define DAY_S    86400

/* The zone, or the test is skipped where the system has no zone files. */
static inline const bv_zone *zone(const char *name) {
  const bv_zone *z;
  bv_err err = {0};
  bv_rc rc = bv_zone_find(name, &z, &err);
  if (rc == BV_NOTFOUND && access("/usr/share/zoneinfo/Europe/London", R_OK) != 0) {
    print_message("skipped: no zone files on this system\n");
    skip();
  }
  if (rc != BV_OK) fail_msg("%s: %s", name, err.msg);
  return z;
}

/* UTC text to instant. */
static inline int64_t at(const char *text) {
  int64_t t = 0;
  bv_rc rc = bv_instant_parse(text, strlen(text), NULL, &t, NULL, NULL);
  assert_int_equal(rc, BV_OK);
  return t;
}

#endif
