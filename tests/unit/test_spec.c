/* test_spec.c - column specs: what is read, what is refused and why, what may be put on top. */
#include "data_help.h"

#include "data/derived.h"

static bv_spec parsed(const char *text) {
  bv_spec s;
  bv_err err = {0};
  bv_rc rc = bv_spec_parse(text, &s, &err);
  if (rc != BV_OK) fail_msg("'%s': %s", text, bv_err_text(&err, rc));
  return s;
}

static void prices(void **state) {
  (void)state;
  static const struct {
    const char *text;
    bv_price price;
    bv_column column;
  } row[] = {
      {"close", BV_PRICE_COLUMN, BV_COL_CLOSE},      {"CLOSE", BV_PRICE_COLUMN, BV_COL_CLOSE},
      {"Volume", BV_PRICE_COLUMN, BV_COL_VOLUME},    {"vwap", BV_PRICE_COLUMN, BV_COL_VWAP},
      {"open_interest", BV_PRICE_COLUMN, BV_COL_OI}, {"hl2", BV_PRICE_HL2, BV_COL_CLOSE},
      {"HLC3", BV_PRICE_HLC3, BV_COL_CLOSE},         {"typical", BV_PRICE_HLC3, BV_COL_CLOSE},
      {"ohlc4", BV_PRICE_OHLC4, BV_COL_CLOSE}};
  for (size_t i = 0; i < COUNT(row); i++) {
    bv_spec s = parsed(row[i].text);
    assert_int_equal(s.op.nstage, 0);
    assert_int_equal(s.op.price, row[i].price);
    if (row[i].price == BV_PRICE_COLUMN) assert_int_equal(s.op.column, row[i].column);
  }
}

static void stage_is(const bv_spec *s, int k, const char *name, double p0) {
  const bv_stage *st = &s->op.stage[k];
  assert_string_equal(st->ind->output[st->output].name, name);
  assert_true(st->param[0] == p0);
}

static void chains(void **state) {
  (void)state;
  bv_spec s = parsed("sma:20");
  assert_int_equal(s.op.nstage, 1);
  stage_is(&s, 0, "sma", 20);
  assert_int_equal(s.op.column, BV_COL_CLOSE);
  s = parsed("sma:9@rsi:14"); /* the inner one comes first */
  assert_int_equal(s.op.nstage, 2);
  stage_is(&s, 0, "rsi", 14);
  stage_is(&s, 1, "sma", 9);
  s = parsed("SMA:9@Rsi:14@HIGH");
  assert_int_equal(s.op.nstage, 2);
  stage_is(&s, 0, "rsi", 14);
  assert_int_equal(s.op.column, BV_COL_HIGH);
  s = parsed("sma:2@sma:3@sma:4@sma:5@hl2");
  assert_int_equal(s.op.nstage, BV_MAX_STAGE);
  stage_is(&s, 0, "sma", 5);
  stage_is(&s, 3, "sma", 2);
  assert_int_equal(s.op.price, BV_PRICE_HL2);
  s = parsed("sma:2e1");
  stage_is(&s, 0, "sma", 20);
  s = parsed("stdev:5@sma:7");
  stage_is(&s, 0, "sma", 7);
  stage_is(&s, 1, "stdev", 5);
}

/* Each output of the table can be named, in a spec of its own and on top of another where it has a
** free input. */
static void every_output(void **state) {
  (void)state;
  int n;
  const bv_indicator *const *table = bv_indicators(&n);
  for (int i = 0; i < n; i++) {
    bool free_input = false;
    if (bv_spec_needs_other(table[i])) continue; /* see two_series */
    for (int k = 0; k < table[i]->ninput; k++) free_input |= table[i]->input[k] == BV_IN_REAL;
    for (int o = 0; o < table[i]->noutput; o++) {
      char text[160], nested[200];
      int at = snprintf(text, sizeof text, "%s", table[i]->output[o].name);
      for (int p = 0; p < table[i]->nparam; p++) {
        const bv_ind_param *q = &table[i]->param[p];
        double v = q->def >= q->min && q->def <= q->max ? q->def : q->min;
        at += snprintf(text + at, sizeof text - (size_t)at, ":%.15g", v);
      }
      bv_spec s = parsed(text);
      assert_int_equal(s.op.nstage, 1);
      assert_ptr_equal(s.op.stage[0].ind, table[i]);
      assert_int_equal(s.op.stage[0].output, o);
      if (free_input) {
        const bool typical = table[i]->real_default == BV_IN_TYPICAL;
        assert_int_equal(s.op.price, typical ? BV_PRICE_HLC3 : BV_PRICE_COLUMN);
        if (!typical) assert_int_equal(s.op.column, bv_input_column(table[i]->real_default));
      }
      snprintf(nested, sizeof nested, "%s@sma:5", text);
      bv_err err = {0};
      bv_rc rc = bv_spec_parse(nested, &s, &err);
      assert_int_equal(rc, free_input ? BV_OK : BV_ARG);
      if (!free_input) assert_non_null(strstr(err.msg, "fixed columns"));
    }
  }
}

/* "... of ASSET", choices by name, and indicators of two series. */
static void two_series(void **state) {
  (void)state;
  bv_err err = {0};
  bv_spec s = parsed("close of SPY");
  assert_int_equal(s.feeds, 1);
  assert_int_equal(s.op.nstage, 0);
  assert_string_equal(s.feed[0].of, "SPY");
  assert_int_equal(s.feed[0].op.column, BV_COL_CLOSE);
  s = parsed("sma:9@rsi:14@high of a name of its own");
  assert_string_equal(s.feed[0].of, "a name of its own");
  assert_int_equal(s.feed[0].op.nstage, 2);
  s = parsed("pivot_r1:week");
  assert_true(s.op.stage[0].param[0] == 2);
  assert_int_equal(bv_spec_parse("pivot_r1:weak", &s, &err), BV_ARG);
  assert_string_equal(err.msg, "parameter 'weak' of pivot_r1 is none of day, week, month");
  bv_err_clear(&err);
  assert_int_equal(bv_spec_parse("close of ", &s, &err), BV_ARG);
  bv_err_clear(&err);
  assert_int_equal(bv_spec_parse("clos of SPY", &s, &err), BV_ARG);
  assert_non_null(strstr(err.msg, "did you mean 'close'"));
  bv_err_clear(&err);
  assert_int_equal(bv_spec_parse("beta:5", &s, &err), BV_ARG);
  bv_err_clear(&err);
  assert_int_equal(bv_spec_parse("sma:5@correl:5", &s, &err), BV_ARG);
  assert_string_equal(err.msg, "correl reads two series, so it cannot stand in a column's name");

  int out;
  const bv_indicator *beta = bv_indicator_find("beta", &out);
  const double param[BV_IND_MAX_PARAM] = {60};
  bv_spec spy = parsed("close of SPY"), high = parsed("high"), own = bv_spec_close();
  bv_err_clear(&err);
  assert_int_equal(bv_spec_push(&own, beta, out, param, false, NULL, &err), BV_ARG);
  assert_non_null(strstr(err.msg, "beta(bars, 60, 'close of SPY')"));
  own = bv_spec_close();
  ok(bv_spec_push(&own, beta, out, param, false, &spy, &err), &err);
  assert_int_equal(own.feeds, 2);
  assert_string_equal(own.feed[1].of, "SPY");
  bv_spec again = bv_spec_close();
  ok(bv_spec_push(&again, beta, out, param, false, &high, &err), &err);
  assert_string_equal(again.feed[1].of, "");
  assert_false(bv_spec_eq(&own, &again));
  assert_int_equal(bv_spec_push(&again, beta, out, param, true, &high, &err), BV_LIMIT);
  bv_spec both = spy;
  ok(bv_spec_push(&both, beta, out, param, true, &high, &err), &err);
  assert_int_equal(both.feeds, 3);
}

static void refusals(void **state) {
  (void)state;
  static const struct {
    const char *text;
    bv_rc rc;
    const char *part;
  } row[] = {
      {"", BV_ARG, "unknown column"},
      {"clsoe", BV_ARG, "did you mean 'close'"},
      {"time", BV_ARG, "unknown column"},
      {"ts", BV_ARG, "unknown column"},
      {"close ", BV_ARG, "unknown column"},
      {"smaa:5", BV_ARG, "did you mean 'sma'"},
      {"close:5", BV_ARG, "unknown indicator 'close'"},
      {":5", BV_ARG, "unknown indicator"},
      {"sma", BV_ARG, "missing"},
      {"sma:", BV_ARG, "not a number"},
      {"sma::5", BV_ARG, "not a number"},
      {"sma:x", BV_ARG, "not a number"},
      {"sma: 5", BV_ARG, "not a number"},
      {"sma:5 ", BV_ARG, "not a number"},
      {"sma:5.5", BV_ARG, "whole number"},
      {"sma:0", BV_ARG, "outside"},
      {"sma:-3", BV_ARG, "outside"},
      {"sma:1e99", BV_ARG, "outside"},
      {"sma:inf", BV_ARG, "outside"},
      {"sma:nan", BV_ARG, "missing"},
      {"sma:5:6", BV_ARG, "at most 1"},
      {"sma:1:2:3:4:5:6:7", BV_ARG, "too many"},
      {"sma:5@", BV_ARG, "unknown column"},
      {"@sma:5", BV_ARG, "stands outside"},
      {"sma:5@@close", BV_ARG, "stands outside"},
      {"close@sma:5", BV_ARG, "stands outside"},
      {"sma:5@high@low", BV_ARG, "stands outside"},
      {"sma:5@hl2@rsi:3", BV_ARG, "stands outside"},
      {"atr:14@close", BV_ARG, "fixed columns"},
      {"atr:14@sma:5", BV_ARG, "fixed columns"},
      {"sma:5@sma", BV_ARG, "missing"},
      {"sma:1@sma:1@sma:1@sma:1@sma:1", BV_LIMIT, "nested 4 deep"},
  };
  for (size_t i = 0; i < COUNT(row); i++) {
    bv_spec s;
    bv_err err = {0};
    bv_rc rc = bv_spec_parse(row[i].text, &s, &err);
    if (rc != row[i].rc || !strstr(err.msg, row[i].part)) {
      fail_msg("'%s': %s: %s", row[i].text, bv_rc_text(rc), err.msg);
    }
    assert_int_equal(bv_spec_parse(row[i].text, &s, NULL), rc);
  }
  bv_spec s;
  bv_err err = {0};
  char wide[400];
  memset(wide, 'a', sizeof wide - 1);
  wide[sizeof wide - 1] = 0;
  assert_int_equal(bv_spec_parse(wide, &s, &err), BV_ARG);
  assert_non_null(strstr(err.msg, "too long"));
  wide[199] = 0;
  assert_int_equal(bv_spec_parse(wide, &s, NULL), BV_ARG);
}

static void equality(void **state) {
  (void)state;
  static const char *const text[] = {
      "close",        "open",         "hl2",          "hlc3",         "sma:20",
      "sma:21",       "ema:20",       "sma:20@open",  "sma:20@hl2",   "sma:9@rsi:14",
      "sma:9@rsi:15", "rsi:14@sma:9", "macd:12:26:9", "macd:12:26:8", "macd_signal:12:26:9"};
  for (size_t i = 0; i < COUNT(text); i++) {
    for (size_t j = 0; j < COUNT(text); j++) {
      bv_spec a = parsed(text[i]), b = parsed(text[j]);
      assert_int_equal(bv_spec_eq(&a, &b), i == j);
    }
  }
  bv_spec a = parsed("hlc3"), b = parsed("TYPICAL"), c = parsed("sma:20@close"),
          d = parsed("SMA:2e1");
  assert_true(bv_spec_eq(&a, &b));
  assert_true(bv_spec_eq(&c, &d));
}

static void pushing(void **state) {
  (void)state;
  int output;
  bv_err err = {0};
  double param[BV_IND_MAX_PARAM] = {5};
  const bv_indicator *sma = bv_indicator_find("sma", &output);
  bv_spec s = parsed("high");
  ok(bv_spec_push(&s, sma, output, param, true, NULL, &err), &err);
  assert_int_equal(s.op.column, BV_COL_HIGH); /* the user chose it */
  s = parsed("high");
  ok(bv_spec_push(&s, sma, output, param, false, NULL, &err), &err);
  assert_int_equal(s.op.column, BV_COL_CLOSE); /* the indicator's own */
  while (s.op.nstage < BV_MAX_STAGE)
    ok(bv_spec_push(&s, sma, output, param, true, NULL, &err), &err);
  assert_int_equal(bv_spec_push(&s, sma, output, param, true, NULL, &err), BV_LIMIT);
  assert_int_equal(s.op.nstage, BV_MAX_STAGE);
}

static void input_columns(void **state) {
  (void)state;
  assert_int_equal(bv_input_column(BV_IN_REAL), BV_COL_NONE);
  assert_int_equal(bv_input_column(BV_IN_OPEN), BV_COL_OPEN);
  assert_int_equal(bv_input_column(BV_IN_HIGH), BV_COL_HIGH);
  assert_int_equal(bv_input_column(BV_IN_LOW), BV_COL_LOW);
  assert_int_equal(bv_input_column(BV_IN_CLOSE), BV_COL_CLOSE);
  assert_int_equal(bv_input_column(BV_IN_VOLUME), BV_COL_VOLUME);
}

/* Any text gives a spec or an error, and the error has a text. */
static void random_texts(void **state) {
  (void)state;
  static const char *const piece[] = {"sma", "rsi", "close", "hl2", ":",  "@",   "5",  "14",
                                      "-",   "x",   "",      "atr", "::", "nan", "1e5"};
  uint64_t r = 3;
  int good = 0;
  for (int round = 0; round < 20000; round++) {
    char text[256] = "";
    bv_spec s;
    bv_err err = {0};
    for (int k = (int)pick(&r, 9); k > 0; k--) strcat(text, piece[pick(&r, COUNT(piece))]);
    if (bv_spec_parse(text, &s, &err) == BV_OK) {
      good++;
      assert_in_range(s.op.nstage, 0, BV_MAX_STAGE);
      assert_in_range(s.op.column, 0, BV_NCOL - 1);
    } else {
      assert_true(strlen(err.msg) > 10);
    }
  }
  assert_true(good > 100);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(prices),     cmocka_unit_test(chains),        cmocka_unit_test(every_output),
      cmocka_unit_test(two_series), cmocka_unit_test(refusals),      cmocka_unit_test(equality),
      cmocka_unit_test(pushing),    cmocka_unit_test(input_columns), cmocka_unit_test(random_texts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
