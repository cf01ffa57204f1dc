/* strategy.c - a strategy view, prepared; see strategy.h. */
#include "run/strategy.h"
#include "base/text.h"
#include "time/instant.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const ask_name[] = {[BV_ASK_WEIGHT] = "target_weight",
                                       [BV_ASK_VALUE] = "target_value",
                                       [BV_ASK_TARGET] = "target_qty",
                                       [BV_ASK_QTY] = "qty"};

/* The view's text, from whichever database of the connection has it. */
static bv_rc find_view(bv_strategy *s, bv_err *err) {
  sqlite3_stmt *list, *st;
  char type[16] = "";
  int row;
  BV_TRY(bv_sql_prepare(s->db, "SELECT name FROM pragma_database_list ORDER BY seq <> 1, seq",
                        &list, err));
  bv_rc rc;
  while ((rc = bv_sql_row(s->db, list, &row, err, "databases")) == BV_OK && row && !s->sql) {
    char *sql = sqlite3_mprintf("SELECT type, sql FROM \"%w\".sqlite_schema WHERE lower(name) = "
                                "lower(?1) AND type IN ('table', 'view')",
                                bv_sql_text(list, 0));
    rc = sql ? bv_sql_prepare(s->db, sql, &st, err) : BV_NOMEM;
    sqlite3_free(sql);
    if (rc != BV_OK) break;
    sqlite3_bind_text(st, 1, s->name, -1, SQLITE_STATIC);
    int found = 0;
    rc = bv_sql_row(s->db, st, &found, err, "sqlite_schema");
    if (rc == BV_OK && found) {
      strncpy(type, bv_sql_text(st, 0), sizeof type - 1);
      s->sql = bv_strdup(BV_MEM_RUN, bv_sql_text(st, 1));
      if (!s->sql) rc = BV_NOMEM;
    }
    sqlite3_finalize(st);
    if (rc != BV_OK) break;
  }
  sqlite3_finalize(list);
  if (rc != BV_OK) return rc;
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

/* Which columns the view has. */
static bv_rc read_columns(bv_strategy *s, unsigned *have, bv_buf *list, bv_err *err) {
  static const char *const known[] = {"known_at",     "asset",      "tag", "target_weight",
                                      "target_value", "target_qty", "qty"};
  /* columns of later versions: refused by name rather than ignored */
  static const char *const orders[] = {"order_type",   "limit_price",   "stop_price",
                                       "trail_amount", "trail_percent", "tif",
                                       "take_profit",  "stop_loss",     NULL};
  char *sql = sqlite3_mprintf("SELECT * FROM \"%w\" LIMIT 0", s->name);
  if (!sql) return BV_NOMEM;
  sqlite3_stmt *st;
  bv_rc rc = prepare_view(s, sql, &st, err);
  sqlite3_free(sql);
  if (rc != BV_OK) return rc;
  *have = 0;
  for (int c = 0; c < sqlite3_column_count(st) && rc == BV_OK; c++) {
    const char *name = sqlite3_column_name(st, c);
    if (!name) rc = BV_NOMEM;
    for (unsigned k = 0; rc == BV_OK && k < sizeof known / sizeof *known; k++) {
      if (bv_text_ieq(name, known[k])) *have |= 1u << k;
    }
    for (int k = 0; rc == BV_OK && orders[k]; k++) {
      if (!bv_text_ieq(name, orders[k])) continue;
      rc = bv_fail(err, BV_ARG,
                   "view '%.80s' has a column '%s': this version has market orders only", s->name,
                   orders[k]);
    }
    if (rc == BV_OK) rc = bv_buf_addf(list, "%s%s", c ? ", " : "", name);
  }
  sqlite3_finalize(st);
  return rc;
}

static bv_rc prepare(bv_strategy *s, unsigned have, bv_err *err) {
  bv_buf sql;
  int n = 0;
  bv_buf_init(&sql, BV_MEM_RUN, 4096);
  s->set_mode = have & 1;
  bv_rc rc = bv_buf_addf(&sql, "SELECT asset%s", s->set_mode ? ", known_at" : "");
  n = s->set_mode ? 2 : 1;
  s->at_tag = have & 4 ? n++ : -1;
  if (rc == BV_OK && s->at_tag >= 0) rc = bv_buf_adds(&sql, ", tag");
  for (int a = 0; a < 4; a++) {
    s->at_ask[a] = have & (8u << a) ? n++ : -1;
    if (rc == BV_OK && s->at_ask[a] >= 0) rc = bv_buf_addf(&sql, ", %s", ask_name[a]);
  }
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
  unsigned have = 0;
  bv_buf list;
  bv_buf_init(&list, BV_MEM_RUN, 1 << 16);
  snprintf(out->label, sizeof out->label, "view '%.80s'", name);
  out->name = bv_strdup(BV_MEM_RUN, name);
  bv_rc rc = out->name ? find_view(out, err) : BV_NOMEM;
  if (rc == BV_OK) rc = read_columns(out, &have, &list, err);
  if (rc == BV_OK && (!(have & 2) || !(have & 0x78))) {
    rc = bv_fail(err, BV_ARG,
                 "view '%.60s' has the columns (%.160s); a strategy needs asset and one of "
                 "target_weight, target_value, target_qty, qty, and known_at to be evaluated as a "
                 "set",
                 name, bv_buf_text(&list));
  }
  if (rc == BV_OK) rc = prepare(out, have, err);
  bv_buf_reset(&list);
  if (rc != BV_OK) bv_strategy_close(out);
  return rc;
}

void bv_strategy_close(bv_strategy *s) {
  sqlite3_finalize(s->st);
  bv_free(s->name);
  bv_free(s->sql);
  *s = (bv_strategy){0};
}

static bv_rc bad_row(const bv_strategy *s, const bv_signal *g, const char *what, bv_err *err) {
  return bv_fail(err, BV_ARG, "%s: a row for asset '%.64s' has %s", s->label, g->asset, what);
}

static const char *text_of(sqlite3_value *v) {
  const char *text = (const char *)sqlite3_value_text(v);
  return text ? text : "";
}

/* A value of the wrong type: `want` says what belongs there. */
static bv_rc bad_value(const bv_strategy *s, const bv_signal *g, const char *column,
                       sqlite3_value *v, const char *want, bv_err *err) {
  char what[160];
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
  g->none = true;
  for (int a = 0; a < 4; a++) {
    if (s->at_ask[a] < 0) continue;
    sqlite3_value *v = sqlite3_column_value(s->st, s->at_ask[a]);
    int type = sqlite3_value_type(v);
    if (type == SQLITE_NULL) continue;
    double amount = sqlite3_value_double(v);
    if ((type != SQLITE_FLOAT && type != SQLITE_INTEGER) || isinf(amount)) {
      return bad_value(s, g, ask_name[a], v, "a finite number or NULL", err);
    }
    if (!g->none) return bad_row(s, g, "more than one target", err);
    g->none = false;
    g->ask = (bv_ask)a;
    g->amount = amount;
  }
  return BV_OK;
}

static bv_rc read_known_at(const bv_strategy *s, bv_signal *g, bv_err *err) {
  sqlite3_value *v = sqlite3_column_value(s->st, 1);
  if (sqlite3_value_type(v) != SQLITE_INTEGER) {
    return bad_value(s, g, "known_at", v, "a whole number of epoch seconds", err);
  }
  bv_err why = {0};
  g->known_at = sqlite3_value_int64(v);
  if (bv_instant_check(g->known_at, &why) == BV_OK) return BV_OK;
  return bv_fail(err, BV_ARG, "%s: known_at: %s", s->label, why.msg);
}

bv_rc bv_strategy_next(bv_strategy *s, bv_signal *out, bool *more, bv_err *err) {
  int code = sqlite3_step(s->st);
  *more = code == SQLITE_ROW;
  if (code != SQLITE_ROW) {
    int again = sqlite3_reset(s->st);
    if (code == SQLITE_DONE) return BV_OK;
    return bv_sql_fail(s->db, again != SQLITE_OK ? again : code, err, s->label);
  }
  *out = (bv_signal){.asset = (const char *)sqlite3_column_text(s->st, 0)};
  if (!out->asset) return bv_fail(err, BV_ARG, "%s: a row has no asset", s->label);
  if (s->set_mode) BV_TRY(read_known_at(s, out, err));
  if (s->at_tag >= 0) out->tag = (const char *)sqlite3_column_text(s->st, s->at_tag);
  return read_ask(s, out, err);
}
