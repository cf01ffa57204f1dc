/*
** fn_ta.c - indicators of any column of numbers: window functions ta_NAME.
**
**   ta_NAME(inputs..., parameters...) OVER (ORDER BY ...)
**
** One for each output of calc's table.  The kernel is fed one row at a time from the first of the
** partition, so its values are the bits it gives for the whole column at once.  In a frame that begins
** later an indicator of a window has a value where the frame holds that window; one that depends on all
** rows before cannot forget a row, so there such a frame is an error, and so is a call without OVER.  (SQLite computes a frame with EXCLUDE as an aggregate of its own for each row,
** which cannot be told from a call without OVER.)
*/
#include "api/args.h"
#include "api/functions.h"
#include "calc/indicator.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct ta {
  bv_store *store;
  const bv_indicator *ind;
  int output;
  char name[48]; /* "ta_macd_signal" */
} ta;

/* The aggregate's context: zero at first. */
typedef struct ta_run {
  void *state;
  double param[BV_IND_MAX_PARAM];
  double given[BV_IND_MAX_PARAM]; /* the arguments they came from */
  double value;
  int64_t rows; /* in the frame */
  bool started, slid, windowed, failed;
} ta_run;

static void ta_free(void *p) {
  ta *t = p;
  bv_store_unref(t->store);
  bv_free(t);
}

/* "ta_atr(high, low, close [, period])". */
static void usage(const ta *t, char *out, size_t size) {
  size_t n = (size_t)snprintf(out, size, "%s(", t->name);
  for (int i = 0; i < t->ind->ninput && n < size; i++) {
    n += (size_t)snprintf(out + n, size - n, "%s%s", i ? ", " : "",
                          bv_indicator_input_name(t->ind, i));
  }
  for (int i = 0; i < t->ind->nparam && n < size; i++) {
    n += (size_t)snprintf(out + n, size - n, t->ind->param[i].optional ? " [, %s]" : ", %s",
                          t->ind->param[i].name);
  }
  if (n < size) snprintf(out + n, size - n, ")");
}

/* "ta_sma(): text; write ta_sma(x, period) OVER (ORDER BY ts)". */
static bv_rc fail_use(const ta *t, const char *text, bv_err *err) {
  char call[160];
  usage(t, call, sizeof call);
  return bv_fail(err, BV_ARG, "%s(): %s; write %s OVER (ORDER BY ts)", t->name, text, call);
}

static void report(sqlite3_context *ctx, const ta *t, ta_run *r, bv_rc rc, const bv_err *err) {
  if (r) r->failed = true;
  bv_result_error(ctx, t->name, rc, err);
}

static bv_rc parameter(const ta *t, int i, sqlite3_value *v, double *out, bv_err *err) {
  const bv_ind_param *p = &t->ind->param[i];
  bv_err why = {0};
  if (p->choice && sqlite3_value_type(v) == SQLITE_TEXT) {
    const char *text = bv_arg_text(v);
    if (!text) return BV_NOMEM;
    *out = bv_indicator_choice(p, text);
    if (!isnan(*out)) return BV_OK;
    char list[80], message[160];
    bv_indicator_choices(p, list, sizeof list);
    snprintf(message, sizeof message, "%s '%.40s' is none of %s", p->name, text, list);
    return fail_use(t, message, err);
  }
  bv_rc rc = bv_arg_number(v, t->name, p->name, out, &why);
  if (rc == BV_OK) return BV_OK;
  const char *text = bv_err_text(&why, rc), *colon = strstr(text, ": ");
  return fail_use(t, colon ? colon + 2 : text, err);
}

/* A row's number for an input: NULL is none. */
static bv_rc input(const ta *t, int i, sqlite3_value *v, double *out, bv_err *err) {
  const char *name = bv_indicator_input_name(t->ind, i);
  if (sqlite3_value_type(v) == SQLITE_NULL) {
    *out = NAN;
    return BV_OK;
  }
  if (t->ind->input[i] == BV_IN_DAY) {
    int64_t ts;
    BV_TRY(bv_arg_instant(v, t->store->zone, t->name, name, &ts, err));
    const int64_t local = bv_zone_to_local(t->store->zone, ts);
    *out = (double)(local / 86400 - (local % 86400 < 0));
    return BV_OK;
  }
  switch (sqlite3_value_type(v)) {
  case SQLITE_INTEGER:
  case SQLITE_FLOAT: *out = sqlite3_value_double(v); return BV_OK;
  default: return bv_arg_number(v, t->name, name, out, err);
  }
}

static bv_rc begin(const ta *t, ta_run *r, int argc, sqlite3_value **argv, bv_err *err) {
  const bv_indicator *ind = t->ind;
  const int given = argc - ind->ninput;
  bv_err why = {0};
  for (int i = 0; i < given; i++) {
    BV_TRY(parameter(t, i, argv[ind->ninput + i], &r->given[i], err));
  }
  bv_rc rc = bv_indicator_params(ind, r->given, given, r->param, &why);
  if (rc != BV_OK) {
    const char *text = bv_err_text(&why, rc), *colon = strstr(text, ": ");
    return fail_use(t, colon ? colon + 2 : text, err);
  }
  r->state = bv_alloc(BV_MEM_CURSOR, ind->state_size(r->param));
  if (!r->state) return BV_NOMEM;
  ind->init(r->state, r->param);
  r->started = true;
  return BV_OK;
}

/* The parameters of every row must be those of the first. */
static bv_rc same_parameters(const ta *t, const ta_run *r, int argc, sqlite3_value **argv,
                             bv_err *err) {
  for (int i = 0; i < argc - t->ind->ninput; i++) {
    sqlite3_value *v = argv[t->ind->ninput + i];
    const int type = sqlite3_value_type(v);
    double x = NAN;
    if (type == SQLITE_INTEGER || type == SQLITE_FLOAT) {
      x = sqlite3_value_double(v);
    } else {
      BV_TRY(parameter(t, i, v, &x, err));
    }
    if (x == r->given[i]) continue;
    return bv_fail(err, BV_ARG,
                   "%s(): %s changes from %.15g to %.15g; it must be the same in all rows of a "
                   "partition",
                   t->name, t->ind->param[i].name, r->given[i], x);
  }
  return BV_OK;
}

static bv_rc step_row(const ta *t, ta_run *r, int argc, sqlite3_value **argv, bv_err *err) {
  const bv_indicator *ind = t->ind;
  double x[BV_IND_MAX_INPUT], y[BV_IND_MAX_OUTPUT];
  const double *in[BV_IND_MAX_INPUT];
  double *out[BV_IND_MAX_OUTPUT];
  if (argc < ind->ninput) return fail_use(t, "arguments are missing", err);
  if (argc > ind->ninput + ind->nparam) return fail_use(t, "too many arguments", err);
  if (r->started) {
    BV_TRY(same_parameters(t, r, argc, argv, err));
  } else {
    BV_TRY(begin(t, r, argc, argv, err));
  }
  for (int i = 0; i < ind->ninput; i++) {
    BV_TRY(input(t, i, argv[i], &x[i], err));
    in[i] = &x[i];
  }
  for (int i = 0; i < ind->noutput; i++) out[i] = &y[i];
  ind->run(ind, r->state, in, 1, out);
  r->value = y[t->output];
  r->rows++;
  return BV_OK;
}

static void ta_step(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  const ta *t = sqlite3_user_data(ctx);
  ta_run *r = sqlite3_aggregate_context(ctx, sizeof *r);
  if (!r) {
    sqlite3_result_error_nomem(ctx);
    return;
  }
  bv_err err;
  bv_err_clear(&err);
  bv_rc rc = step_row(t, r, argc, argv, &err);
  if (rc != BV_OK) report(ctx, t, r, rc, &err);
}

static void ta_inverse(sqlite3_context *ctx, int argc, sqlite3_value **argv) {
  const ta *t = sqlite3_user_data(ctx);
  ta_run *r = sqlite3_aggregate_context(ctx, 0);
  (void)argc;
  (void)argv;
  if (t->ind->window && r) {
    r->rows--;
    r->slid = true;
    return;
  }
  bv_err err;
  bv_err_clear(&err);
  bv_rc rc =
      bv_fail(&err, BV_ARG,
              "%s(): the frame must begin at UNBOUNDED PRECEDING, because a value depends on "
              "all rows before; leave the frame out, or write ROWS UNBOUNDED PRECEDING",
              t->name);
  report(ctx, t, r, rc, &err);
}

/* A frame that began later than its partition must hold all that a value depends on. */
static bool in_frame(const ta *t, const ta_run *r) {
  return !r->slid || r->rows >= t->ind->window(r->param);
}

static void ta_value(sqlite3_context *ctx) {
  const ta *t = sqlite3_user_data(ctx);
  ta_run *r = sqlite3_aggregate_context(ctx, 0);
  if (r) r->windowed = true;
  if (!r || !r->started || isnan(r->value) || !in_frame(t, r)) {
    sqlite3_result_null(ctx);
  } else {
    sqlite3_result_double(ctx, r->value);
  }
}

/* The end of a partition, of an aggregate query, or of a statement given up. */
static void ta_final(sqlite3_context *ctx) {
  const ta *t = sqlite3_user_data(ctx);
  ta_run *r = sqlite3_aggregate_context(ctx, 0);
  if (r) bv_free(r->state);
  if (r && r->windowed) {
    ta_value(ctx);
    return;
  }
  if (r && r->failed) return; /* the error stands */
  bv_err err;
  bv_err_clear(&err);
  bv_rc rc =
      fail_use(t, "it is a window function: it needs OVER, and a frame without EXCLUDE", &err);
  report(ctx, t, r, rc, &err);
}

static int register_one(sqlite3 *db, bv_store *s, const bv_indicator *ind, int output) {
  ta *t = bv_alloc(BV_MEM_BASE, sizeof *t);
  if (!t) return SQLITE_NOMEM;
  *t = (ta){.store = bv_store_ref(s), .ind = ind, .output = output};
  snprintf(t->name, sizeof t->name, "ta_%s", ind->output[output].name);
  return sqlite3_create_window_function(db, t->name, -1, SQLITE_UTF8 | SQLITE_INNOCUOUS, t, ta_step,
                                        ta_final, ta_value, ta_inverse, ta_free);
}

int bv_fn_ta_register(sqlite3 *db, bv_store *s) {
  int n, code = SQLITE_OK;
  const bv_indicator *const *table = bv_indicators(&n);
  for (int i = 0; i < n && code == SQLITE_OK; i++) {
    for (int o = 0; o < table[i]->noutput && code == SQLITE_OK; o++) {
      code = register_one(db, s, table[i], o);
    }
  }
  return code;
}
