/* strategy.c - a strategy view, prepared; see strategy.h. */
#include "run/strategy.h"
#include "base/text.h"
#include "run/in_order.h"
#include "run/names.h"
#include "time/instant.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* The text and type of a table or view, from whichever database of the connection has it; *sql stays NULL
** where none has. */
static bv_rc find_object(sqlite3 *db, const char *name, char **sql, char type[16], bv_err *err) {
  sqlite3_stmt *list, *st;
  int row;
  BV_TRY(bv_sql_prepare(db, "SELECT name FROM pragma_database_list ORDER BY seq <> 1, seq", &list,
                        err));
  bv_rc rc;
  while ((rc = bv_sql_row(db, list, &row, err, "databases")) == BV_OK && row && !*sql) {
    char *find = sqlite3_mprintf("SELECT type, sql FROM \"%w\".sqlite_schema WHERE lower(name) = "
                                 "lower(?1) AND type IN ('table', 'view')",
                                 bv_sql_text(list, 0));
    rc = find ? bv_sql_prepare(db, find, &st, err) : BV_NOMEM;
    sqlite3_free(find);
    if (rc != BV_OK) break;
    sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
    int found = 0;
    rc = bv_sql_row(db, st, &found, err, "sqlite_schema");
    if (rc == BV_OK && found) {
      snprintf(type, 16, "%s", bv_sql_text(st, 0));
      *sql = bv_strdup(BV_MEM_RUN, bv_sql_text(st, 1));
      if (!*sql) rc = BV_NOMEM;
    }
    sqlite3_finalize(st);
    if (rc != BV_OK) break;
  }
  sqlite3_finalize(list);
  return rc;
}

bv_rc bv_view_text(sqlite3 *db, const char *name, char **sql, bv_err *err) {
  char type[16] = "";
  *sql = NULL;
  bv_rc rc = find_object(db, name, sql, type, err);
  if (rc == BV_OK && strcmp(type, "view") == 0) return BV_OK;
  bv_free(*sql);
  *sql = NULL;
  return rc;
}

static bv_rc find_view(bv_strategy *s, bv_err *err) {
  char type[16] = "";
  BV_TRY(find_object(s->db, s->name, &s->sql, type, err));
  if (!s->sql) {
    return bv_fail(err, BV_NOTFOUND,
                   "no view '%.80s' in this database; a strategy is a view: CREATE VIEW "
                   "%.80s AS SELECT known_at, asset, ... AS target_weight FROM bars(...)",
                   s->name, s->name);
  }
  if (strcmp(type, "view") != 0) {
    return bv_fail(err, BV_ARG,
                   "'%.80s' is a %s; a strategy is a view: CREATE VIEW ... AS SELECT "
                   "known_at, asset, ... AS target_weight FROM bars(...)",
                   s->name, type);
  }
  return BV_OK;
}

/* Prepare a statement that reads the view; what is wrong with it is said of the view. */
static bv_rc prepare_view(const bv_strategy *s, const char *sql, sqlite3_stmt **out, bv_err *err) {
  int code = sqlite3_prepare_v2(s->db, sql, -1, out, NULL);
  return code == SQLITE_OK ? BV_OK : bv_sql_fail(s->db, code, err, s->label);
}

/* What a column's value becomes. */
typedef enum kind { NUMBER, TEXT, TYPE, TIF, INSTANT, FLAG, NET } kind;

static const struct {
  const char *name;
  kind kind;
  size_t at; /* NUMBER: offset into bv_sim_request; TEXT: index into bv_signal.text */
} columns[BV_ROW_COLUMNS] = {
    {"tag", TEXT, BV_TEXT_TAG},
    {"order_type", TYPE, 0},
    {"limit_price", NUMBER, offsetof(bv_sim_request, limit)},
    {"stop_price", NUMBER, offsetof(bv_sim_request, stop)},
    {"trail_amount", NUMBER, offsetof(bv_sim_request, trail)},
    {"trail_percent", NUMBER, offsetof(bv_sim_request, trail_percent)},
    {"tif", TIF, 0},
    {"expire_at", INSTANT, 0},
    {"take_profit", NUMBER, offsetof(bv_sim_request, take_profit)},
    {"stop_loss", NUMBER, offsetof(bv_sim_request, stop_loss)},
    {"reduce_only", FLAG, 0},
    {"oco", TEXT, BV_TEXT_OCO},
    {"closes", TEXT, BV_TEXT_CLOSES},
    {"oto", TEXT, BV_TEXT_OTO},
    {"combo", TEXT, BV_TEXT_COMBO},
    {"net_limit", NET, 0},
    {"cancel", TEXT, BV_TEXT_CANCEL},
    {"replace", TEXT, BV_TEXT_REPLACE},
};

/* Which columns the view has, as bits. */
typedef struct found {
  bool asset, known_at;
  unsigned ask, other;
} found;

static void note_column(found *f, const char *name) {
  f->asset |= bv_text_ieq(name, "asset");
  f->known_at |= bv_text_ieq(name, "known_at");
  for (unsigned k = 0; k < 4; k++) {
    if (bv_text_ieq(name, bv_ask_name[k])) f->ask |= 1u << k;
  }
  for (unsigned k = 0; k < BV_ROW_COLUMNS; k++) {
    if (bv_text_ieq(name, columns[k].name)) f->other |= 1u << k;
  }
}

/* A column that is meant for one of ours, which the view lacks, and has another name by a slip.  Short names
** are near to too many words. */
static bv_rc check_spelling(const bv_strategy *s, const found *have, const char *name,
                            bv_err *err) {
  const char *missing[BV_ROW_COLUMNS + 6], *near;
  int n = 0;
  for (unsigned k = 0; k < 4; k++) {
    if (bv_text_ieq(name, bv_ask_name[k])) return BV_OK;
    if (!(have->ask & (1u << k))) missing[n++] = bv_ask_name[k];
  }
  for (unsigned k = 0; k < BV_ROW_COLUMNS; k++) {
    if (bv_text_ieq(name, columns[k].name)) return BV_OK;
    if (!(have->other & (1u << k))) missing[n++] = columns[k].name;
  }
  if (!have->known_at) missing[n++] = "known_at";
  missing[n] = NULL;
  near = strlen(name) < 8 ? NULL : bv_nearest_within(name, missing, 2);
  if (!near || strlen(near) < 8) return BV_OK;
  return bv_fail(
      err, BV_ARG,
      "%s: it has a column '%.60s', which means nothing to a strategy; did you mean '%s'? "
      "(if not, give it another name)",
      s->label, name, near);
}

static bv_rc read_columns(bv_strategy *s, found *have, bv_buf *list, bv_err *err) {
  char *sql = sqlite3_mprintf("SELECT * FROM \"%w\" LIMIT 0", s->name);
  if (!sql) return BV_NOMEM;
  sqlite3_stmt *st;
  bv_rc rc = prepare_view(s, sql, &st, err);
  sqlite3_free(sql);
  if (rc != BV_OK) return rc;
  for (int c = 0; c < sqlite3_column_count(st) && rc == BV_OK; c++) {
    const char *name = sqlite3_column_name(st, c);
    if (!name) rc = BV_NOMEM;
    if (rc == BV_OK) note_column(have, name);
    if (rc == BV_OK) rc = bv_buf_addf(list, "%s%s", c ? ", " : "", name);
  }
  for (int c = 0; c < sqlite3_column_count(st) && rc == BV_OK; c++) {
    rc = check_spelling(s, have, sqlite3_column_name(st, c), err);
  }
  sqlite3_finalize(st);
  return rc;
}

/* "SELECT asset, known_at, ..." of the columns the view has, and where each one is in it. */
static bv_rc select_list(bv_strategy *s, const found *have, bv_buf *sql) {
  BV_TRY(bv_buf_addf(sql, "SELECT asset%s", s->set_mode ? ", known_at" : ""));
  int n = s->set_mode ? 2 : 1;
  for (int a = 0; a < 4; a++) {
    s->at_ask[a] = have->ask & (1u << a) ? n++ : -1;
    if (s->at_ask[a] >= 0) BV_TRY(bv_buf_addf(sql, ", %s", bv_ask_name[a]));
  }
  for (int k = 0; k < BV_ROW_COLUMNS; k++) {
    if (!(have->other & (1u << k))) continue;
    s->column[s->ncolumn] = k;
    s->at[s->ncolumn++] = n++;
    BV_TRY(bv_buf_addf(sql, ", \"%s\"", columns[k].name));
  }
  return BV_OK;
}

static bv_rc prepare(bv_strategy *s, const found *have, bv_err *err) {
  bv_buf sql;
  bv_buf_init(&sql, BV_MEM_RUN, 4096);
  s->set_mode = have->known_at;
  bv_rc rc = select_list(s, have, &sql);
  char *from = sqlite3_mprintf(" FROM \"%w\"%s", s->name, s->set_mode ? " ORDER BY known_at" : "");
  if (!from) rc = BV_NOMEM;
  if (rc == BV_OK) rc = bv_buf_adds(&sql, from);
  sqlite3_free(from);
  if (rc == BV_OK) rc = prepare_view(s, bv_buf_text(&sql), &s->st, err);
  bv_buf_reset(&sql);
  return rc;
}

bv_rc bv_strategy_open(sqlite3 *db, const char *name, bv_strategy *out, bv_err *err) {
  *out = (bv_strategy){.db = db};
  found have = {0};
  bv_buf list;
  bv_buf_init(&list, BV_MEM_RUN, 1 << 16);
  snprintf(out->label, sizeof out->label, "view '%.80s'", name);
  out->name = bv_strdup(BV_MEM_RUN, name);
  bv_rc rc = out->name ? find_view(out, err) : BV_NOMEM;
  if (rc == BV_OK) rc = read_columns(out, &have, &list, err);
  if (rc == BV_OK && (!have.asset || !have.ask)) {
    rc = bv_fail(err, BV_ARG,
                 "view '%.60s' has the columns (%.160s); a strategy needs asset and one of "
                 "target_weight, target_value, target_qty, qty, and known_at to be evaluated as a "
                 "set",
                 name, bv_buf_text(&list));
  }
  if (rc == BV_OK) rc = prepare(out, &have, err);
  bv_buf_reset(&list);
  if (rc != BV_OK) bv_strategy_close(out);
  return rc;
}

bv_rc bv_strategy_unsorted(bv_strategy *s, bv_err *err) {
  sqlite3_stmt *plain;
  if (!s->set_mode) return BV_OK;
  BV_TRY(bv_in_order(s->db, sqlite3_sql(s->st), &plain, err));
  if (!plain) return BV_OK;
  sqlite3_finalize(s->st);
  s->st = plain;
  return BV_OK;
}

bv_rc bv_strategy_call(bv_strategy *s, const char *name, const char *sql) {
  bv_free(s->name);
  bv_free(s->sql);
  s->name = bv_strdup(BV_MEM_RUN, name);
  s->sql = bv_strdup(BV_MEM_RUN, sql);
  snprintf(s->label, sizeof s->label, "view '%.80s'", name);
  return s->name && s->sql ? BV_OK : BV_NOMEM;
}

void bv_strategy_close(bv_strategy *s) {
  sqlite3_finalize(s->st);
  bv_free(s->name);
  bv_free(s->sql);
  *s = (bv_strategy){0};
}

static bv_rc bad_row(const bv_strategy *s, const bv_signal *g, const char *what, bv_err *err) {
  return bv_fail(err, BV_ARG, "%s: a row for asset '%.64s' has %s", s->label,
                 g->text[BV_TEXT_ASSET], what);
}

static const char *text_of(sqlite3_value *v) {
  const char *text = (const char *)sqlite3_value_text(v);
  return text ? text : "";
}

/* A value of the wrong type: `want` says what belongs there. */
static bv_rc bad_value(const bv_strategy *s, const bv_signal *g, const char *column,
                       sqlite3_value *v, const char *want, bv_err *err) {
  char what[240];
  switch (sqlite3_value_type(v)) {
  case SQLITE_NULL: snprintf(what, sizeof what, "a NULL"); break;
  case SQLITE_BLOB: snprintf(what, sizeof what, "a blob"); break;
  case SQLITE_TEXT: snprintf(what, sizeof what, "the text '%.40s'", text_of(v)); break;
  default: snprintf(what, sizeof what, "%.40s", text_of(v)); break;
  }
  size_t n = strlen(what);
  snprintf(what + n, sizeof what - n, " in %s; it must be %s", column, want);
  return bad_row(s, g, what, err);
}

/* The one target that is not NULL. */
static bv_rc read_ask(const bv_strategy *s, bv_signal *g, bv_err *err) {
  g->no_order = true;
  for (int a = 0; a < 4; a++) {
    if (s->at_ask[a] < 0) continue;
    sqlite3_value *v = sqlite3_column_value(s->st, s->at_ask[a]);
    int type = sqlite3_value_type(v);
    if (type == SQLITE_NULL) continue;
    double amount = sqlite3_value_double(v);
    if ((type != SQLITE_FLOAT && type != SQLITE_INTEGER) || isinf(amount)) {
      return bad_value(s, g, bv_ask_name[a], v, "a finite number or NULL", err);
    }
    if (!g->no_order) return bad_row(s, g, "more than one target", err);
    g->no_order = false;
    g->ask.ask = (bv_ask)a;
    g->ask.amount = amount;
  }
  return BV_OK;
}

static bv_rc read_known_at(const bv_strategy *s, bv_signal *g, bv_err *err) {
  sqlite3_value *v = sqlite3_column_value(s->st, 1);
  if (sqlite3_value_type(v) != SQLITE_INTEGER) {
    return bad_value(s, g, "known_at", v, "a whole number of epoch seconds; bars_time() makes them",
                     err);
  }
  bv_err why;
  g->known_at = sqlite3_value_int64(v);
  bv_err_clear(&why);
  if (bv_instant_check(g->known_at, &why) == BV_OK) return BV_OK;
  return bv_fail(err, BV_ARG, "%s: known_at: %s", s->label, why.msg);
}

/* A name out of a list, any case. */
static bv_rc read_name(const bv_strategy *s, const bv_signal *g, const char *column,
                       sqlite3_value *v, const char *const names[], int *out, bv_err *err) {
  char want[200] = "one of ";
  const char *text = sqlite3_value_type(v) == SQLITE_TEXT ? text_of(v) : "";
  for (int i = 0; names[i]; i++) {
    *out = i;
    if (bv_text_ieq(text, names[i])) return BV_OK;
    size_t n = strlen(want);
    snprintf(want + n, sizeof want - n, "%s%s", i ? ", " : "", names[i]);
  }
  return bad_value(s, g, column, v, want, err);
}

/* NULL is not given (0 in a request); a 0 that was given is no price. */
static bv_rc read_price(const bv_strategy *s, const bv_signal *g, int k, sqlite3_value *v,
                        double *out, bv_err *err) {
  int type = sqlite3_value_type(v);
  if (type != SQLITE_FLOAT && type != SQLITE_INTEGER) {
    return bad_value(s, g, columns[k].name, v, "a number or NULL", err);
  }
  double x = sqlite3_value_double(v);
  *out = x == 0 ? NAN : x;
  return BV_OK;
}

static bv_rc read_instant(const bv_strategy *s, const bv_signal *g, int k, sqlite3_value *v,
                          int64_t *out, bv_err *err) {
  *out = sqlite3_value_int64(v);
  if (sqlite3_value_type(v) != SQLITE_INTEGER || bv_instant_check(*out, NULL) != BV_OK) {
    return bad_value(s, g, columns[k].name, v,
                     "whole epoch seconds (bars_time() makes them) or NULL", err);
  }
  return BV_OK;
}

/* What a row has besides asset, known_at and targets; *typed: it names its order type. */
static bv_rc read_column(const bv_strategy *s, bv_signal *g, int k, sqlite3_value *v, bool *typed,
                         bv_err *err) {
  const char *name = columns[k].name;
  int choice = 0;
  switch (columns[k].kind) {
  case TEXT: {
    g->text[columns[k].at] = (const char *)sqlite3_value_text(v);
    return g->text[columns[k].at] ? BV_OK : BV_NOMEM;
  }
  case NUMBER: {
    double *to = (double *)(void *)((char *)&g->ask + columns[k].at);
    return read_price(s, g, k, v, to, err);
  }
  case TYPE:
    BV_TRY(read_name(s, g, name, v, bv_type_name, &choice, err));
    g->ask.type = (bv_order_type)choice;
    *typed = true;
    return BV_OK;
  case TIF:
    BV_TRY(read_name(s, g, name, v, bv_tif_name, &choice, err));
    g->ask.tif = (bv_tif)choice;
    return BV_OK;
  case INSTANT:
    BV_TRY(read_instant(s, g, k, v, &g->ask.until, err));
    if (g->ask.tif == BV_TIF_GTC) g->ask.tif = BV_TIF_GTD;
    return BV_OK;
  case NET: {
    int type = sqlite3_value_type(v);
    if (type != SQLITE_FLOAT && type != SQLITE_INTEGER) {
      return bad_value(s, g, name, v, "a number or NULL", err);
    }
    g->ask.net_limit = sqlite3_value_double(v);
    g->ask.has_net_limit = 1;
    return BV_OK;
  }
  case FLAG:
  default:
    if (sqlite3_value_type(v) != SQLITE_INTEGER)
      return bad_value(s, g, name, v, "0, 1 or NULL", err);
    g->ask.reduce_only = sqlite3_value_int(v) != 0;
    return BV_OK;
  }
}

/* The prices a row gives say what type it means where it does not say so itself. */
static bv_order_type type_by_prices(const bv_sim_request *r) {
  if (r->trail != 0 || r->trail_percent != 0) {
    return r->limit != 0 ? BV_TYPE_TRAIL_LIMIT : BV_TYPE_TRAIL;
  }
  if (r->limit != 0) return r->stop != 0 ? BV_TYPE_STOP_LIMIT : BV_TYPE_LIMIT;
  return r->stop != 0 ? BV_TYPE_STOP : BV_TYPE_MARKET;
}

static bv_rc read_others(const bv_strategy *s, bv_signal *g, bv_err *err) {
  bool typed = false;
  for (int i = 0; i < s->ncolumn; i++) {
    sqlite3_value *v = sqlite3_column_value(s->st, s->at[i]);
    if (sqlite3_value_type(v) == SQLITE_NULL) continue;
    BV_TRY(read_column(s, g, s->column[i], v, &typed, err));
  }
  if (!typed) g->ask.type = type_by_prices(&g->ask);
  bool cancel = g->text[BV_TEXT_CANCEL] != NULL, replace = g->text[BV_TEXT_REPLACE] != NULL;
  if (cancel && replace) return bad_row(s, g, "both cancel and replace", err);
  if (replace && !g->no_order && g->ask.ask != BV_ASK_QTY) {
    return bad_row(s, g, "replace and a target; replace goes with qty or prices alone", err);
  }
  g->none = g->no_order && !cancel && !replace;
  return BV_OK;
}

bv_rc bv_strategy_next(bv_strategy *s, bv_signal *out, bool *more, bv_err *err) {
  int code = sqlite3_step(s->st);
  *more = code == SQLITE_ROW;
  if (code != SQLITE_ROW) {
    int again = sqlite3_reset(s->st);
    if (code == SQLITE_DONE) return BV_OK;
    return bv_sql_fail(s->db, again != SQLITE_OK ? again : code, err, s->label);
  }
  *out = (bv_signal){.text[BV_TEXT_ASSET] = (const char *)sqlite3_column_text(s->st, 0)};
  if (!out->text[BV_TEXT_ASSET]) return bv_fail(err, BV_ARG, "%s: a row has no asset", s->label);
  if (s->set_mode) BV_TRY(read_known_at(s, out, err));
  BV_TRY(read_ask(s, out, err));
  out->none = out->no_order;
  return s->ncolumn > 0 ? read_others(s, out, err) : BV_OK;
}
