/* dir_fixture.h - a directory of its own for each test: fixtures that make and remove it. */
#ifndef BV_TEST_DIR_FIXTURE_H
#define BV_TEST_DIR_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char dir[64];

static inline int make_dir(void **state) {
  (void)state;
  strcpy(dir, "/tmp/barsvt_test_XXXXXX");
  return mkdtemp(dir) ? 0 : -1;
}

static inline int remove_dir(void **state) {
  (void)state;
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", dir);
  return system(command);
}

/* One buffer: valid until the next call. */
static inline const char *in_dir(const char *name) {
  static char path[200];
  snprintf(path, sizeof path, "%s/%s", dir, name);
  return path;
}

#endif
