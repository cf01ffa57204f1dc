/*
** ind_dump.c - print an indicator's outputs for bars read from standard input.
**
**     ind_dump NAME [PARAM ...] < bars.csv
**     ind_dump --list                          names of all indicators
**
** Each line of bars.csv is open,high,low,close,volume[,second[,day]] without a header.  NAME is an
** indicator of the table; a column selected by the caller is the indicator's default, a second one is
** `second`.  The first line printed holds first(params) and window(params) (0: recursive), then one
** line per bar with every output.  --list prints for each output its indicator and BV_SEEN_* too.
** Used by tests/ind_check.py.
*/
#include "base/alloc.h"
#include "base/text.h"
#include "calc/indicator.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BARS = 200000, COLUMNS = 7 };

static double column[COLUMNS][MAX_BARS], typical[MAX_BARS];
static double result[BV_IND_MAX_OUTPUT][MAX_BARS];

static int64_t read_bars(void) {
  char line[512];
  int64_t n = 0;
  while (n < MAX_BARS && fgets(line, sizeof line, stdin)) {
    const char *p = line;
    for (int c = 0; c < COLUMNS; c++) {
      const size_t len = strcspn(p, ",\r\n");
      if (bv_parse_f64(p, len, &column[c][n]) != BV_OK) column[c][n] = NAN;
      p += len + (p[len] == ',');
    }
    typical[n] = (column[1][n] + column[2][n] + column[3][n]) / 3;
    n++;
  }
  return n;
}

static int list_names(void) {
  int n;
  const bv_indicator *const *all = bv_indicators(&n);
  for (int i = 0; i < n; i++) {
    for (int o = 0; o < all[i]->noutput; o++) {
      printf("%s %s %u\n", all[i]->name, all[i]->output[o].name, all[i]->output[o].seen);
    }
  }
  return 0;
}

static const bv_indicator *by_name(const char *name) {
  int n;
  const bv_indicator *const *all = bv_indicators(&n);
  for (int i = 0; i < n; i++) {
    if (bv_text_ieq(all[i]->name, name)) return all[i];
  }
  return NULL;
}

int main(int argc, char **argv) {
  double given[BV_IND_MAX_PARAM], param[BV_IND_MAX_PARAM];
  const double *in[BV_IND_MAX_INPUT];
  double *out[BV_IND_MAX_OUTPUT];
  bv_err err = {0};
  if (argc == 2 && strcmp(argv[1], "--list") == 0) return list_names();
  const bv_indicator *ind = argc > 1 ? by_name(argv[1]) : NULL;
  if (!ind || argc - 2 > BV_IND_MAX_PARAM) {
    fprintf(stderr, "usage: ind_dump NAME [PARAM ...] < bars.csv\n");
    return 2;
  }
  for (int i = 2; i < argc; i++) given[i - 2] = strtod(argv[i], NULL);
  if (bv_indicator_params(ind, given, argc - 2, param, &err) != BV_OK) {
    fprintf(stderr, "%s\n", err.msg);
    return 2;
  }
  void *state = bv_alloc(BV_MEM_DERIVED, ind->state_size(param));
  if (!state) return 1;
  const int64_t n = read_bars();
  for (int i = 0; i < ind->ninput; i++) {
    const bv_input from = ind->input[i] == BV_IN_REAL ? ind->real_default : ind->input[i];
    in[i] = from == BV_IN_TYPICAL ? typical
            : from == BV_IN_OTHER ? column[5]
            : from == BV_IN_DAY   ? column[6]
                                  : column[from - BV_IN_OPEN];
  }
  for (int i = 0; i < ind->noutput; i++) out[i] = result[i];
  ind->init(state, param);
  ind->run(ind, state, in, n, out);
  printf("%lld %lld\n", (long long)ind->first(param),
         (long long)(ind->window ? ind->window(param) : 0));
  for (int64_t i = 0; i < n; i++) {
    for (int c = 0; c < ind->noutput; c++) printf("%s%.17g", c ? "," : "", result[c][i]);
    putchar('\n');
  }
  bv_free(state);
  return 0;
}
