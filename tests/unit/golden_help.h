/*
** golden_help.h - indicators against recorded results of others: tables from CSV, comparison, and the
** check that what the table of indicators claims (BV_SEEN_*) was compared.
*/
#ifndef BV_TEST_GOLDEN_HELP_H
#define BV_TEST_GOLDEN_HELP_H

#include "ind_help.h"

#include "base/text.h"

#include <zlib.h>

#define REAL "../shared/data/real/"

/* ---- a table read from CSV ---- */

enum { MAX_COLS = 120, LINE = 16384 };

/* Sets of results that were compared with an output, by place in the table. */
static unsigned golden_seen[512][BV_IND_MAX_OUTPUT];

static inline void golden_saw(const char *output, unsigned set) {
  int n, out = 0;
  const bv_indicator *const *all = bv_indicators(&n);
  const bv_indicator *ind = bv_indicator_find(output, &out);
  for (int i = 0; i < n; i++) {
    if (all[i] == ind) golden_seen[i][out] |= set;
  }
}

/* Every bit of `sets` that the table claims was compared, and every one compared is claimed. */
static inline void golden_claims(unsigned sets) {
  int n, bad = 0;
  const bv_indicator *const *all = bv_indicators(&n);
  for (int i = 0; i < n; i++) {
    for (int o = 0; o < all[i]->noutput; o++) {
      const unsigned claimed = all[i]->output[o].seen & sets, seen = golden_seen[i][o];
      if (claimed == seen) continue;
      print_message("%s: claims %#x of the sets, %#x compared\n", all[i]->output[o].name, claimed,
                    seen);
      bad++;
    }
  }
  assert_int_equal(bad, 0);
}

/* What is not compared, and why. */
typedef struct golden_left {
  const char *name, *why;
} golden_left;

static inline int golden_is_left(const golden_left *left, size_t n, const char *name) {
  for (size_t i = 0; i < n; i++) {
    if (strcmp(left[i].name, name) == 0) return 1;
  }
  return 0;
}

typedef struct csv {
  int64_t rows, cols;
  char head[LINE];
  const char *name[MAX_COLS];
  double *time; /* days since 1970 where the first column is YYYY-MM-DD..., else NULL */
  double *cell; /* [row * cols + col], NaN where empty or no number */
} csv;

static inline int split(char *line, char **field) {
  int n = 0;
  line[strcspn(line, "\r\n")] = 0;
  for (char *p = line; n < MAX_COLS; p++) {
    char *end = p + strcspn(p, ",");
    const int more = *end == ',';
    field[n++] = p;
    *end = 0;
    p = end;
    if (!more) break;
  }
  return n;
}

/* The day of a row, where the file's first column is a date. */
static inline void golden_day(csv *t, const char *text, int64_t cap) {
  int y, m, d;
  if (sscanf(text, "%4d-%2d-%2d", &y, &m, &d) != 3 || (t->rows > 0 && !t->time)) return;
  t->time = bv_realloc(BV_MEM_BASE, t->time, (size_t)cap * sizeof(double));
  assert_non_null(t->time);
  y -= m <= 2; /* H. Hinnant, days_from_civil */
  const int era = y / 400, yoe = y - era * 400,
            doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
  t->time[t->rows] = era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

/* Also reads gzip.  Files without a header get the names "0", "1" ... only by position. */
static inline int csv_read(const char *path, csv *t) {
  gzFile f = gzopen(path, "rb");
  if (!f) return 0;
  char line[LINE], *field[MAX_COLS];
  int64_t cap = 0;
  memset(t, 0, sizeof *t);
  assert_non_null(gzgets(f, t->head, LINE));
  t->cols = split(t->head, field);
  for (int c = 0; c < t->cols; c++) t->name[c] = field[c];
  while (gzgets(f, line, LINE)) {
    const int n = split(line, field);
    if (n == 1 && !field[0][0]) continue;
    if (t->rows == cap) {
      cap = cap ? 2 * cap : 512;
      t->cell = bv_realloc(BV_MEM_BASE, t->cell, (size_t)(cap * t->cols) * sizeof(double));
      assert_non_null(t->cell);
    }
    golden_day(t, field[0], cap);
    for (int c = 0; c < t->cols; c++) {
      double *x = &t->cell[t->rows * t->cols + c];
      if (c >= n || bv_parse_f64(field[c], strlen(field[c]), x) != BV_OK) *x = NAN;
    }
    t->rows++;
  }
  gzclose(f);
  return 1;
}

static inline void csv_free(csv *t) {
  bv_free(t->cell);
  bv_free(t->time);
}

static inline int csv_col(const csv *t, const char *name, const char *path) {
  for (int c = 0; c < t->cols; c++) {
    if (strcmp(t->name[c], name) == 0) return c;
  }
  fail_msg("%s: no column \"%s\"", path, name);
  return -1;
}

/* ---- comparison with a column of a file ---- */

typedef struct golden {
  const char *data;   /* file of bars */
  const char *cols;   /* its columns open, high, low, close, volume by position, e.g. "12345";
                         '-' : none; a sixth: the second series */
  const char *expect; /* file of results, NULL: the same */
  const char *column;
  const char *output; /* SQL name */
  double param[3];
  int nparam;
  bv_input real; /* 0: the indicator's default */
  int lag;       /* rows by which the source is behind */
  int from;      /* first row compared; 0: also where the values begin */
  int zero;      /* 1: the source starts at 0, so our first value is taken away */
  double scale;  /* expected * scale is in our unit; 0: 1 */
  double rel, abs;
  unsigned set; /* BV_SEEN_* */
} golden;

static inline void load_bars(const golden *g, const csv *t, ind_bars *b) {
  *b = ind_bars_new(t->rows);
  for (int k = 0; k < 5; k++) {
    for (int64_t i = 0; i < t->rows; i++) {
      b->col[BV_IN_OPEN + k][i] = g->cols[k] == '-' ? NAN : t->cell[i * t->cols + g->cols[k] - '0'];
    }
  }
  ind_bars_rest(b);
  if (!t->time) return;
  for (int64_t i = 0; i < t->rows; i++) b->col[BV_IN_DAY][i] = t->time[i];
}

static inline void compare(const golden *g, const double *out, const csv *want, int col) {
  const double *y = out - g->lag;
  const double scale = g->scale != 0 ? g->scale : 1;
  int compared = 0;
  for (int64_t i = g->from > g->lag ? g->from : g->lag; i < want->rows; i++) {
    const double w = want->cell[i * want->cols + col] * scale + (g->zero ? out[0] : 0);
    if (g->from == 0 && isnan(w) != isnan(y[i])) {
      fail_msg("%s: %s row %lld: %.17g, expected %.17g", g->output, g->column, (long long)i, y[i],
               w);
    }
    if (isnan(w)) continue;
    compared++;
    if (!(fabs(y[i] - w) <= g->rel * fabs(w) + g->abs)) {
      fail_msg("%s: %s row %lld: %.17g, expected %.17g", g->output, g->column, (long long)i, y[i],
               w);
    }
  }
  if (compared < 2) fail_msg("%s: only %d values compared", g->output, compared);
}

/* 0: the files are not there. */
static inline int check_golden(const golden *g) {
  csv data, expect;
  ind_bars b;
  double param[BV_IND_MAX_PARAM];
  char path[512], path2[512];
  int out;
  snprintf(path, sizeof path, REAL "%s", g->data);
  if (!csv_read(path, &data)) return 0;
  snprintf(path2, sizeof path2, REAL "%s", g->expect ? g->expect : g->data);
  assert_true(csv_read(path2, &expect));
  assert_true(expect.rows == data.rows);
  load_bars(g, &data, &b);
  const bv_indicator *found = bv_indicator_find(g->output, &out);
  if (!found) fail_msg("no output %s", g->output);
  bv_indicator ind = *found;
  if (g->real) ind.real_default = g->real;
  assert_int_equal(bv_indicator_params(&ind, g->param, g->nparam, param, NULL), BV_OK);
  ind_run r = ind_run_new(&ind, param, b.n);
  ind_step(&r, &b, 0, b.n);
  compare(g, r.out[out], &expect, csv_col(&expect, g->column, path2));
  ind_run_free(&r);
  ind_bars_free(&b);
  csv_free(&data);
  csv_free(&expect);
  golden_saw(g->output, g->set);
  return 1;
}

static inline void check_goldens(const golden *g, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (check_golden(&g[i])) continue;
    print_message("skipped: " REAL "%s is not there\n", g[i].data);
    skip();
  }
}

#define CHECK(table) check_goldens(table, sizeof table / sizeof table[0])

#endif
