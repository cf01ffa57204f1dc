/*
** metric_dump.c - compute the run metrics of curves read as plain text; for tests/metric_check.py.
**
** Input, fields separated by blanks, any number of blocks:
**
**      case NAME points trades start left risk_free periods commission prices bench_first
**      ts equity                                        (points times)
**      price of the benchmark                           (prices times: 0, or points)
**      entry_ts exit_ts qty entry_price exit_price commission pnl ret open   (trades times)
**
**      list NAME percentile|shortfall cut count
**      value                                            (count times)
**
** Output, tab separated: NAME, metric, variant, value with 17 digits (of a list: NAME, function,
** "", value).
*/
#include "calc/met.h"

#include "base/alloc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct block {
  char name[128];
  bv_metric_input in;
  int64_t *ts;
  double *equity, *bench;
  bv_metric_trade *trade;
} block;

static void need(int ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "metric_dump: %s\n", what);
  exit(2);
}

static void *room(int64_t n, size_t size) {
  need(n >= 0 && n < 100000000, "bad count");
  void *p = bv_alloc0(BV_MEM_RUN, ((size_t)n + 1) * size);
  need(p != NULL, "out of memory");
  return p;
}

static void read_int64(int64_t *out) {
  long long v;
  need(scanf("%lld", &v) == 1, "integer expected");
  *out = v;
}

static void read_double(double *out) {
  need(scanf("%lf", out) == 1, "number expected");
}

static void read_trade(bv_metric_trade *t) {
  int64_t open;
  read_int64(&t->entry_ts);
  read_int64(&t->exit_ts);
  read_double(&t->qty);
  read_double(&t->entry_price);
  read_double(&t->exit_price);
  read_double(&t->commission);
  read_double(&t->pnl);
  read_double(&t->ret);
  read_int64(&open);
  t->open = open != 0;
  t->multiplier = 1;
  t->mae = t->mfe = NAN;
}

static void read_case(block *b) {
  int64_t left, prices;
  need(scanf("%127s", b->name) == 1, "name expected");
  read_int64(&b->in.n);
  read_int64(&b->in.ntrade);
  read_double(&b->in.start);
  read_int64(&left);
  b->in.left = left != 0;
  read_double(&b->in.risk_free);
  read_double(&b->in.periods);
  read_double(&b->in.commission);
  read_int64(&prices);
  read_int64(&b->in.bench_first);
  need(prices == 0 || prices == b->in.n, "a price per point expected");
  b->bench = room(prices, sizeof *b->bench);
  if (prices > 0) b->in.bench = b->bench;
  b->in.bench_start = NAN;
  b->in.ts = b->ts = room(b->in.n, sizeof *b->ts);
  b->in.equity = b->equity = room(b->in.n, sizeof *b->equity);
  b->in.trade = b->trade = room(b->in.ntrade, sizeof *b->trade);
  for (int64_t i = 0; i < b->in.n; i++) {
    read_int64(&b->ts[i]);
    read_double(&b->equity[i]);
  }
  for (int64_t i = 0; i < prices; i++) read_double(&b->bench[i]);
  for (int64_t i = 0; i < b->in.ntrade; i++) read_trade(&b->trade[i]);
}

static void do_case(void) {
  block b = {0};
  bv_err err = {0};
  int n = 0;
  read_case(&b);
  bv_metric_value *out = room(bv_metric_count(), sizeof *out);
  need(bv_metric_compute(&b.in, out, &n, &err) == BV_OK, "compute failed");
  for (int i = 0; i < n; i++)
    printf("%s\t%s\t%s\t%.17g\n", b.name, out[i].name, out[i].variant, out[i].value);
  bv_free(out);
  bv_free(b.ts);
  bv_free(b.equity);
  bv_free(b.bench);
  bv_free(b.trade);
}

static void do_list(void) {
  char name[128], fn[32];
  double cut;
  int64_t n;
  need(scanf("%127s %31s", name, fn) == 2, "name and function expected");
  read_double(&cut);
  read_int64(&n);
  double *x = room(n, sizeof *x);
  for (int64_t i = 0; i < n; i++) read_double(&x[i]);
  met_sort(x, n);
  const double v =
      strcmp(fn, "shortfall") == 0 ? met_shortfall(x, n, cut) : met_percentile(x, n, cut);
  printf("%s\t%s\t\t%.17g\n", name, fn, v);
  bv_free(x);
}

int main(void) {
  char word[16];
  while (scanf("%15s", word) == 1) {
    if (strcmp(word, "case") == 0)
      do_case();
    else if (strcmp(word, "list") == 0)
      do_list();
    else
      need(0, "'case' or 'list' expected");
  }
  return 0;
}
