/*
** test_ind_tulip.c - indicators against the tests of Tulip Indicators 0.9.2, and its candle tests.
**
** The results are given with 3 decimals (some cut off, some rounded): one unit of the third.  Tests of
** indicators with another convention, or that are not in the table, are listed with the reason.
*/
#include "golden_help.h"

#define COUNT(table) (sizeof table / sizeof table[0])

/* ---- Tulip: a JSON array of objects, read by position of their keys ---- */

#define TULIP REAL "expected/indicators/tulip/tulip_tests_dev.json"

static char *read_text(const char *path) {
  enum { MAX = 1 << 20 };
  FILE *f = fopen(path, "rb");
  if (!f) return NULL;
  char *text = bv_alloc(BV_MEM_BASE, MAX);
  assert_non_null(text);
  text[fread(text, 1, MAX - 1, f)] = 0;
  fclose(f);
  return text;
}

/* The numbers of "key": [..] between p and end; their count, 0 where the key is not there. */
static int json_numbers(const char *p, const char *end, const char *key, double *out, int max) {
  char quoted[64];
  int n = 0;
  snprintf(quoted, sizeof quoted, "\"%s\": [", key);
  p = strstr(p, quoted);
  if (!p || p >= end) return 0;
  p += strlen(quoted);
  while (n < max) {
    p += strspn(p, " \n\r,");
    const size_t len = strcspn(p, " \n\r,]");
    if (len == 0 || bv_parse_f64(p, len, &out[n]) != BV_OK) break;
    n++;
    p += len;
  }
  return n;
}

typedef struct tulip {
  const char *name, *column; /* Tulip's indicator and output */
  const char *output;        /* ours */
  const char *option[3];     /* Tulip's options in the order of our parameters, or numbers */
  double scale;              /* 0: 1 */
  int from;                  /* first bar compared */
  int zero;                  /* Tulip starts at 0, so our first value is taken away */
} tulip;

static double json_option(const char *p, const char *end, const char *key) {
  char quoted[64];
  double x = NAN;
  if (key[0] >= '0' && key[0] <= '9') return strtod(key, NULL);
  snprintf(quoted, sizeof quoted, "\"%s\": ", key);
  p = strstr(p, quoted);
  assert_true(p && p < end);
  p += strlen(quoted);
  assert_int_equal(bv_parse_f64(p, strcspn(p, ",}\n\r "), &x), BV_OK);
  return x;
}

enum { TULIP_MAX = 2000 };

/* One test object: input columns by Tulip's names; results are aligned at the end. */
static void check_tulip(const tulip *t, const char *p, const char *end) {
  static const char *const slot[] = {"real", "open", "high", "low", "close", "volume"};
  double want[TULIP_MAX], given[3], param[BV_IND_MAX_PARAM], x[TULIP_MAX];
  int out, nparam = 0, bars = 0;
  const bv_indicator *ind = bv_indicator_find(t->output, &out);
  assert_non_null(ind);
  golden_saw(t->output, BV_SEEN_TULIP);
  while (nparam < 3 && t->option[nparam]) {
    given[nparam] = json_option(p, end, t->option[nparam]);
    nparam++;
  }
  assert_int_equal(bv_indicator_params(ind, given, nparam, param, NULL), BV_OK);
  const char *outputs = strstr(p, "\"outputs\"");
  const int n = json_numbers(outputs, end, t->column, want, TULIP_MAX);
  ind_bars b = ind_bars_new(TULIP_MAX);
  for (int k = 0; k < 6; k++) {
    const int m = json_numbers(p, outputs, slot[k], x, TULIP_MAX);
    const int to = k ? k : (int)ind->real_default;
    if (m) memcpy(b.col[to], x, (size_t)m * sizeof *x), bars = m;
  }
  b.n = bars;
  ind_run r = ind_run_new(ind, param, bars);
  ind_step(&r, &b, 0, bars);
  int compared = 0;
  for (int i = 0; i < n; i++) {
    const double y = r.out[out][bars - n + i] - (t->zero ? r.out[out][0] : 0),
                 w = want[i] * (t->scale != 0 ? t->scale : 1);
    if (isnan(y) || bars - n + i < t->from) continue;
    compared++;
    /* One unit of the third decimal: some files are cut off, some rounded. */
    if (!(fabs(y - w) <= 0.00101 * (t->scale != 0 ? t->scale : 1) + 1e-9 * fabs(w))) {
      fail_msg("%s(%g): bar %d: %.17g, Tulip %.17g", t->output, param[0], bars - n + i, y, w);
    }
  }
  if (!compared) fail_msg("%s: nothing compared", t->output);
  ind_run_free(&r);
  ind_bars_free(&b);
}

static void test_tulip(void **state) {
  (void)state;
  static const tulip table[] = {
      {"sma", "sma", "sma", {"period"}, 0, 0, 0},
      {"wma", "wma", "wma", {"period"}, 0, 0, 0},
      {"wilders", "wilders", "wilder", {"period"}, 0, 0, 0},
      {"trima", "trima", "trima", {"period"}, 0, 0, 0},
      {"hma", "hma", "hma", {"period"}, 0, 0, 0},
      {"kama", "kama", "kama", {"period"}, 0, 0, 0},
      {"zlema", "zlema", "zlema", {"period"}, 0, 0, 0},
      {"vwma", "vwma", "vwma", {"period"}, 0, 0, 0},
      {"max", "max", "highest", {"period"}, 0, 0, 0},
      {"min", "min", "lowest", {"period"}, 0, 0, 0},
      {"var", "var", "var", {"period"}, 0, 0, 0},
      {"stddev", "stddev", "stdev", {"period"}, 0, 0, 0},
      {"bbands", "bbands_lower", "bb_lower", {"period", "stddev", "stddev"}, 0, 0, 0},
      {"bbands", "bbands_middle", "bb_middle", {"period"}, 0, 0, 0},
      {"bbands", "bbands_upper", "bb_upper", {"period", "stddev", "stddev"}, 0, 0, 0},
      {"tr", "tr", "trange", {0}, 0, 0, 0},
      {"mom", "mom", "mom", {"period"}, 0, 0, 0},
      {"roc", "roc", "roc", {"period"}, 100, 0, 0},
      {"rsi", "rsi", "rsi", {"period"}, 0, 0, 0},
      {"aroon", "aroon_down", "aroon_down", {"period"}, 0, 0, 0},
      {"aroon", "aroon_up", "aroon_up", {"period"}, 0, 0, 0},
      {"aroonosc", "aroonosc", "aroon_osc", {"period"}, 0, 0, 0},
      {"willr", "willr", "willr", {"period"}, 0, 0, 0},
      {"stoch", "stoch_k", "stoch_k", {"k_period", "k_slowing_period", "d_period"}, 0, 0, 0},
      {"stoch", "stoch_d", "stoch_d", {"k_period", "k_slowing_period", "d_period"}, 0, 0, 0},
      {"cci", "cci", "cci", {"period"}, 0, 0, 0},
      {"ultosc", "ultosc", "ultosc", {"short_period", "medium_period", "long_period"}, 0, 0, 0},
      {"bop", "bop", "bop", {0}, 0, 0, 0},
      {"ad", "ad", "ad", {0}, 0, 0, 0},
      {"adosc", "adosc", "adosc", {"short_period", "long_period"}, 0, 0, 0},
      {"mfi", "mfi", "mfi", {"period"}, 0, 0, 0},
      {"linreg", "linreg", "linearreg", {"period"}, 0, 0, 0},
      {"linregslope", "linregslope", "linearreg_slope", {"period"}, 0, 0, 0},
      {"tsf", "tsf", "tsf", {"period"}, 0, 0, 0},
      /* The extreme of bar 0 counts there, which quickens the first leg. */
      {"stochrsi", "stochrsi", "stochrsi_k", {"period", "period", "1"}, 100, 0, 0},
      {"obv", "obv", "obv", {0}, 0, 0, 1},
      {"psar", "psar", "sar", {"acceleration_factor_step", "acceleration_factor_maximum"}, 0, 8, 0},
  };
  char *text = read_text(TULIP);
  if (!text) {
    print_message("skipped: " TULIP " is not there\n");
    skip();
  }
  for (size_t k = 0; k < sizeof table / sizeof table[0]; k++) {
    char mark[64];
    int found = 0;
    snprintf(mark, sizeof mark, "\"indicator\": \"%s\"", table[k].name);
    for (const char *p = strstr(text, mark); p; p = strstr(p + 1, mark)) {
      const char *end = strstr(p + 1, "\"indicator\"");
      check_tulip(&table[k], p, end ? end : p + strlen(p));
      found++;
    }
    if (!found) fail_msg("%s: no test in the file", table[k].name);
  }
#define NOT_OURS   "not in the table"
#define ARITHMETIC "arithmetic, which SQL has"
#define SEED       "averages start with the first value there, ours with the mean of the first ones"
  static const golden_left left[] = {
      {"abs", ARITHMETIC},
      {"acos", ARITHMETIC},
      {"add", ARITHMETIC},
      {"asin", ARITHMETIC},
      {"atan", ARITHMETIC},
      {"ceil", ARITHMETIC},
      {"cos", ARITHMETIC},
      {"cosh", ARITHMETIC},
      {"div", ARITHMETIC},
      {"exp", ARITHMETIC},
      {"floor", ARITHMETIC},
      {"ln", ARITHMETIC},
      {"log10", ARITHMETIC},
      {"mul", ARITHMETIC},
      {"round", ARITHMETIC},
      {"sin", ARITHMETIC},
      {"sinh", ARITHMETIC},
      {"sqrt", ARITHMETIC},
      {"sub", ARITHMETIC},
      {"tan", ARITHMETIC},
      {"tanh", ARITHMETIC},
      {"todeg", ARITHMETIC},
      {"torad", ARITHMETIC},
      {"trunc", ARITHMETIC},
      {"avgprice", "the column ohlc4"},
      {"medprice", "the column hl2"},
      {"typprice", "the column hlc3"},
      {"wcprice", ARITHMETIC},
      {"lag", "the function prev"},
      {"crossover", "compared with cross_above in tests/sql/ind_cross.py"},
      {"crossany", "compared with cross_above and cross_below in tests/sql/ind_cross.py"},
      {"ema", SEED},
      {"dema", SEED},
      {"tema", SEED},
      {"trix", "averages start with the first value, and it divides by the newer one"},
      {"macd",
       "averages start with the first value, and 12 and 26 stand for factors 0.15 and 0.075"},
      {"apo", "of exponential averages, TA-Lib's default is plain ones"},
      {"ppo", "of exponential averages, TA-Lib's default is plain ones"},
      {"atr", "the range of bar 0, high - low, counts there"},
      {"natr", "the range of bar 0, high - low, counts there"},
      {"di", "begins one bar earlier"},
      {"dx", "ignores the true range and begins one bar earlier"},
      {"adx", "ignores the true range and begins one bar earlier"},
      {"adxr", "ignores the true range and begins one bar earlier"},
      {"cmo", "plain sums, TA-Lib's are Wilder's averages"},
      {"rocr", "the ratio of roc"},
      {"linregintercept", "at abscissa 0 where the oldest bar has 1"},
      {"ao", NOT_OURS},
      {"cvi", NOT_OURS},
      {"decay", NOT_OURS},
      {"dm", NOT_OURS},
      {"dpo", NOT_OURS},
      {"edecay", NOT_OURS},
      {"emv", NOT_OURS},
      {"fisher", NOT_OURS},
      {"fosc", NOT_OURS},
      {"kvo", NOT_OURS},
      {"marketfi", NOT_OURS},
      {"mass", NOT_OURS},
      {"md", NOT_OURS},
      {"msw", NOT_OURS},
      {"nvi", NOT_OURS},
      {"pvi", NOT_OURS},
      {"qstick", NOT_OURS},
      {"stderr", NOT_OURS},
      {"sum", NOT_OURS},
      {"vhf", NOT_OURS},
      {"vidya", NOT_OURS},
      {"volatility", NOT_OURS},
      {"vosc", NOT_OURS},
      {"wad", NOT_OURS},
  };
  int tests = 0;
  for (const char *p = text; (p = strstr(p, "\"indicator\": \"")); tests++) {
    char name[64] = "";
    p += strlen("\"indicator\": \"");
    snprintf(name, sizeof name, "%.*s", (int)strcspn(p, "\""), p);
    int done = 0;
    for (size_t k = 0; k < COUNT(table); k++) done |= strcmp(table[k].name, name) == 0;
    if (done == golden_is_left(left, COUNT(left), name)) {
      fail_msg("%s: %s", name, done ? "compared and listed" : "neither compared nor listed");
    }
  }
  assert_int_equal(tests, 149);
  bv_free(text);
}

/* ---- candles.txt: tests of a line "candle", four arrays in braces, then lines of a pattern, with "!"
** in front where it must not stand, and the bars ---- */

#define CANDLES REAL "expected/indicators/tulip/candles.txt"

/* Ours for a name there. */
static const bv_indicator *candle_named(const char *name) {
  char ours[80];
  int out;
  snprintf(ours, sizeof ours, "candle_%s", name);
  if (strcmp(name, "big_black_candle") == 0) return ind_named("candle_big_black");
  if (strcmp(name, "big_white_candle") == 0) return ind_named("candle_big_white");
  const bv_indicator *ind = bv_indicator_find(ours, &out);
  if (!ind) fail_msg("%s: no such pattern", name);
  return ind;
}

static int candle_numbers(const char *line, double *out) {
  int n = 0;
  for (const char *p = line + 1; *p && *p != '}';) {
    char *end;
    out[n] = strtod(p, &end);
    if (end == p) break;
    n++;
    for (p = end; *p == ',' || *p == ' ';) p++;
  }
  return n;
}

/* A line of expectations; the number of bars checked. */
static int candle_check(char *line, const ind_bars *b) {
  const double param[BV_IND_MAX_PARAM] = {0};
  const int want = line[0] != '!';
  char *name = strtok(line + !want, " "), *at;
  const bv_indicator *ind = candle_named(name);
  ind_run r = ind_run_new(ind, param, b->n);
  int n = 0;
  ind_step(&r, b, 0, b->n);
  while ((at = strtok(NULL, " "))) {
    const int i = atoi(at);
    if (!(r.out[0][i] == want)) fail_msg("%s at bar %d: %g", name, i, r.out[0][i]);
    n++;
  }
  if (want) golden_saw(ind->name, BV_SEEN_TULIP);
  ind_run_free(&r);
  return n;
}

static void test_candles(void **state) {
  (void)state;
  FILE *f = fopen(CANDLES, "r");
  char line[2048];
  double column[4][TULIP_MAX];
  int have = 0, bars = 0, checked = 0;
  if (!f) {
    print_message("skipped: " CANDLES " is not there\n");
    skip();
  }
  while (fgets(line, sizeof line, f)) {
    line[strcspn(line, "\r\n")] = 0;
    if (strcmp(line, "candle") == 0) have = 0;
    if (line[0] == '{') bars = candle_numbers(line, column[have++]);
    if (!line[0] || line[0] == '{' || strcmp(line, "candle") == 0) continue;
    assert_int_equal(have, 4);
    ind_bars b = ind_bars_new(bars);
    for (int k = 0; k < 4; k++) {
      memcpy(b.col[BV_IN_OPEN + k], column[k], (size_t)bars * sizeof(double));
    }
    checked += candle_check(line, &b);
    ind_bars_free(&b);
  }
  fclose(f);
  assert_int_equal(checked, 59);
}

/* The last test: what the table claims was compared, and the other way round. */
static void test_claims(void **state) {
  (void)state;
  FILE *f = fopen(CANDLES, "r");
  if (!f) skip();
  fclose(f);
  golden_claims(BV_SEEN_TULIP);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_tulip),
      cmocka_unit_test(test_candles),
      cmocka_unit_test(test_claims),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
