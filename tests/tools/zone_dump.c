/*
** zone_dump.c - our zone conversions as text, for tests/zones_check.py to compare.
**
** Each line of standard input is
**
**      u NAME T T T ...     instants       -> local wall clock of each
**      l NAME L L L ...     local clocks   -> instant and kind (0, 1 fold, -1 gap) of each
**
** and each gives one line of numbers, or "error TEXT".
*/
#include "base/buf.h"
#include "base/text.h"
#include "time/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void die(const char *what) {
  fprintf(stderr, "zone_dump: %s\n", what);
  exit(2);
}

static void must(bv_rc rc) {
  if (rc != BV_OK) die(bv_rc_text(rc));
}

/* Append v and a space; much faster than printf. */
static void put_number(bv_buf *out, int64_t v) {
  char text[24];
  size_t at = sizeof text;
  uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
  text[--at] = ' ';
  do {
    text[--at] = (char)('0' + u % 10);
    u /= 10;
  } while (u);
  if (v < 0) text[--at] = '-';
  must(bv_buf_add(out, text + at, sizeof text - at));
}

static void convert(char direction, const bv_zone *z, int64_t x, bv_buf *out) {
  if (direction == 'u') {
    int64_t local = bv_zone_to_local(z, x);
    if (local != x + bv_zone_offset(z, x)) die("to_local and offset disagree");
    put_number(out, local);
  } else {
    int kind;
    put_number(out, bv_zone_to_utc(z, x, &kind));
    put_number(out, kind);
  }
}

static void answer(char *line, bv_buf *out) {
  char *save = NULL;
  const char *direction = strtok_r(line, " \n", &save);
  const char *name = strtok_r(NULL, " \n", &save);
  if (!direction || !name || (*direction != 'u' && *direction != 'l')) die("bad request");
  const bv_zone *z;
  bv_err err = {0};
  bv_rc rc = bv_zone_find(name, &z, &err);
  if (rc != BV_OK) {
    must(bv_buf_addf(out, "error %s", bv_err_text(&err, rc)));
    return;
  }
  for (const char *word; (word = strtok_r(NULL, " \n", &save)) != NULL;) {
    int64_t x;
    must(bv_parse_i64(word, strlen(word), &x));
    convert(*direction, z, x, out);
  }
}

int main(void) {
  char *line = NULL;
  size_t cap = 0;
  bv_buf out;
  bv_buf_init(&out, BV_MEM_BASE, (size_t)64 << 20);
  while (getline(&line, &cap, stdin) > 0) {
    bv_buf_clear(&out);
    answer(line, &out);
    puts(bv_buf_text(&out));
    fflush(stdout);
  }
  free(line);
  bv_buf_reset(&out);
  return 0;
}
