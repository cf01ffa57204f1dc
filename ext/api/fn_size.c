/*
** fn_size.c - target weights from how much is to be risked: bt_risk_weight, bt_vol_weight,
** bt_kelly_weight.  What has no answer is NULL, which leaves a position as it is.
*/
#include "api/args.h"
#include "api/functions.h"

#include <math.h>

enum { NUMBERS = 4 };

/* The arguments as numbers; *null where one is NULL. */
static bv_rc read_numbers(int argc, sqlite3_value **argv, const char *who,
                          const char *const names[], double out[NUMBERS], bool *null, bv_err *err) {
  *null = false;
  for (int i = 0; i < argc; i++) {
    *null |= bv_arg_null(argv[i]);
    if (!bv_arg_null(argv[i])) BV_TRY(bv_arg_number(argv[i], who, names[i], &out[i], err));
  }
  return BV_OK;
}

static double capped(double w, double cap) {
  return fabs(w) > cap ? copysign(cap, w) : w;
}

/* A loss of `risk` of the account from price to stop: above the price the stop is that of a short. */
static double risk_weight(const double a[NUMBERS]) {
  double price = a[1], stop = a[2];
  if (!(a[0] >= 0) || !(price > 0) || stop == price) return NAN;
  return capped(a[0] * price / (price - stop), a[3]);
}

static double vol_weight(const double a[NUMBERS]) {
  return a[1] > 0 ? capped(a[0] / a[1], a[2]) : NAN;
}

/* f = p - (1 - p) / b for a bet that gains b with probability p, else loses 1; no bet where it is below 0. */
static double kelly_weight(const double a[NUMBERS]) {
  double p = a[0], b = a[1];
  if (!(p >= 0 && p <= 1) || !(b > 0)) return NAN;
  return capped(fmax(0, p - (1 - p) / b), a[2]);
}

typedef struct sizing {
  const char *name;
  const char *arg[NUMBERS]; /* the last is the cap, which may be left out */
  int narg;
  double (*of)(const double a[NUMBERS]);
} sizing;

static const sizing sizings[] = {
    {"bt_risk_weight", {"risk", "price", "stop", "cap"}, 4, risk_weight},
    {"bt_vol_weight", {"target", "volatility", "cap"}, 3, vol_weight},
    {"bt_kelly_weight", {"win_rate", "payoff", "cap"}, 3, kelly_weight},
};

static void fn_size(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  const sizing *k = sqlite3_user_data(ctx);
  double a[NUMBERS] = {0};
  bv_err err = {0};
  bool null;
  a[k->narg - 1] = INFINITY;
  bv_rc rc = read_numbers(argc, argv, k->name, k->arg, a, &null, &err);
  if (rc == BV_OK && !null && !(a[k->narg - 1] >= 0)) {
    rc = bv_fail(&err, BV_ARG, "%s(): cap must not be below 0", k->name);
  }
  if (rc != BV_OK) {
    bv_result_error(ctx, k->name, rc, &err);
    return;
  }
  double w = null ? NAN : k->of(a);
  if (isfinite(w)) sqlite3_result_double(ctx, w);
}

int bv_fn_size_register(sqlite3 *db, bv_store *s) {
  (void)s;
  for (size_t i = 0; i < sizeof sizings / sizeof *sizings; i++) {
    for (int n = sizings[i].narg - 1; n <= sizings[i].narg; n++) {
      int code = sqlite3_create_function_v2(
          db, sizings[i].name, n, SQLITE_UTF8 | SQLITE_INNOCUOUS | SQLITE_DETERMINISTIC,
          (void *)(uintptr_t)&sizings[i], fn_size, NULL, NULL, NULL);
      if (code != SQLITE_OK) return code;
    }
  }
  return SQLITE_OK;
}
