/* feature.c - tables of signals and context; see feature.h. */
#include "data/feature.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/text.h"
#include "time/instant.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_COLUMNS 2000

/* ---- options ---- */

static const char *choose(const char *given, const char *fallback, const char *otherwise) {
  return given ? given : fallback ? fallback : otherwise;
}

static bv_rc read_match(bv_feature *f, const char *match, bv_err *err) {
  f->asof = bv_text_ieq(match, "asof");
  if (f->asof || bv_text_ieq(match, "exact")) return BV_OK;
  return bv_fail(err, BV_ARG, "%s: match '%.40s' is neither exact nor asof", f->label, match);
}

static bv_rc read_timing(bv_feature *f, const char *timing, const char *lag, bv_err *err) {
  bool custom = bv_text_ieq(timing, "custom");
  if (!custom && lag) {
    return bv_fail(err, BV_ARG, "%s: lag goes with timing = custom", f->label);
  }
  if (custom) {
    if (!lag) {
      return bv_fail(err, BV_ARG, "%s: timing custom needs lag, a number of bars", f->label);
    }
    if (bv_parse_i64(lag, strlen(lag), &f->lag) == BV_OK && f->lag >= 1 &&
        f->lag <= BV_FEATURE_MAX_LAG) {
      return BV_OK;
    }
    return bv_fail(err, BV_ARG, "%s: lag '%.40s' is not a number of bars from 1 to %d", f->label,
                   lag, BV_FEATURE_MAX_LAG);
  }
  f->lag = bv_text_ieq(timing, "next_bar");
  if (f->lag || bv_text_ieq(timing, "strict")) return BV_OK;
  return bv_fail(err, BV_ARG, "%s: timing '%.40s' is none of strict, next_bar, custom", f->label,
                 timing);
}

/* Seconds, or a timestep such as "2 days"; "none": -1. */
static bv_rc read_span(const bv_feature *f, const char *key, const char *text, int64_t *out,
                       bv_err *err) {
  bv_timestep step;
  *out = -1;
  if (!text || bv_text_ieq(text, "none")) return BV_OK;
  if (bv_parse_i64(text, strlen(text), out) == BV_OK && *out >= 0) return BV_OK;
  if (bv_span_parse(text, strlen(text), &step, NULL) == BV_OK) {
    *out = bv_timestep_nominal_s(step);
    return BV_OK;
  }
  return bv_fail(err, BV_ARG,
                 "%s: %s '%.40s' is neither a number of seconds nor a span such as '2 days'",
                 f->label, key, text);
}

static bv_rc read_options(bv_feature *f, const bv_feature_spec *spec, const bv_feature_spec *d,
                          bv_err *err) {
  static const bv_feature_spec none;
  if (!d) d = &none;
  BV_TRY(read_match(f, choose(spec->match, d->match, f->context ? "asof" : "exact"), err));
  /* a lag belongs to the timing it is written beside */
  const char *lag = spec->timing ? spec->lag : choose(spec->lag, d->lag, NULL);
  BV_TRY(read_timing(f, choose(spec->timing, d->timing, "strict"), lag, err));
  BV_TRY(
      read_span(f, "tolerance", choose(spec->tolerance, d->tolerance, NULL), &f->tolerance, err));
  BV_TRY(read_span(f, "max_age", choose(spec->max_age, d->max_age, NULL), &f->max_age, err));
  const char *span = choose(spec->span, d->span, NULL);
  bv_err why = {0};
  f->span_told = span != NULL;
  f->has_span = span && !bv_text_ieq(span, "none");
  if (f->has_span && bv_span_parse(span, strlen(span), &f->span, &why) != BV_OK) {
    return bv_fail(err, BV_ARG, "%s: span: %s", f->label, why.msg);
  }
  if (!f->asof && (f->tolerance >= 0 || f->max_age >= 0) && (spec->tolerance || spec->max_age)) {
    return bv_fail(err, BV_ARG, "%s: tolerance and max_age go with match = asof", f->label);
  }
  if (!f->asof) f->tolerance = f->max_age = -1;
  return BV_OK;
}

/* ---- columns ---- */

static bv_rc quote(const char *name, char **out) {
  char *q = sqlite3_mprintf("\"%w\"", name);
  *out = q ? bv_strdup(BV_MEM_CURSOR, q) : NULL;
  sqlite3_free(q);
  return *out ? BV_OK : BV_NOMEM;
}

/* The column of the statement with one of the names (ended by NULL), or that was asked for. */
static bv_rc find_column(const bv_feature *f, sqlite3_stmt *st, const char *asked, const char *key,
                         const char *const *names, int *out, bv_err *err) {
  const char *one[] = {asked, NULL};
  *out = -1;
  for (const char *const *name = asked ? one : names; *name; name++) {
    for (int c = 0; c < sqlite3_column_count(st); c++) {
      const char *have = sqlite3_column_name(st, c);
      if (!have) return BV_NOMEM;
      if (!bv_text_ieq(have, *name)) continue;
      *out = c;
      return BV_OK;
    }
  }
  if (!asked) return BV_OK;
  return bv_fail(err, BV_ARG, "%s: %s: there is no column '%.60s'", f->label, key, asked);
}

static bv_rc keep_column(bv_feature *f, const char *name) {
  char **more = bv_realloc(BV_MEM_CURSOR, f->column, (size_t)(f->ncolumn + 1) * sizeof *more);
  if (!more) return BV_NOMEM;
  f->column = more;
  f->column[f->ncolumn] = bv_strdup(BV_MEM_CURSOR, name);
  return f->column[f->ncolumn++] ? BV_OK : BV_NOMEM;
}

/* The columns of a list such as "a, b"; each must be there. */
static bv_rc named_columns(bv_feature *f, sqlite3_stmt *st, const char *list, bv_err *err) {
  const char *p = list;
  while (*p) {
    char name[200];
    size_t n = strcspn(p, ",");
    const char *from = p, *to = p + n;
    p += n + (p[n] == ',');
    while (from < to && *from == ' ') from++;
    while (to > from && to[-1] == ' ') to--;
    if (from == to || (size_t)(to - from) >= sizeof name) {
      return bv_fail(err, BV_ARG, "%s: columns '%.60s' is not a list of names", f->label, list);
    }
    memcpy(name, from, (size_t)(to - from));
    name[to - from] = 0;
    int c;
    BV_TRY(find_column(f, st, name, "columns", NULL, &c, err));
    BV_TRY(keep_column(f, sqlite3_column_name(st, c)));
  }
  return BV_OK;
}

static bv_rc read_columns(bv_feature *f, const bv_feature_spec *spec, sqlite3_stmt *st,
                          bv_err *err) {
  static const char *const ts[] = {"ts", "timestamp", "time", NULL};
  static const char *const asset[] = {"asset", "symbol", "ticker", "product", NULL};
  static const char *const known[] = {"known_at", NULL};
  int at_ts, at_asset, at_known;
  BV_TRY(find_column(f, st, spec->ts, "ts", ts, &at_ts, err));
  BV_TRY(find_column(f, st, spec->asset, "asset", asset, &at_asset, err));
  BV_TRY(find_column(f, st, spec->known_at, "known_at", known, &at_known, err));
  if (at_ts < 0) return bv_fail(err, BV_ARG, "%s: there is no column ts", f->label);
  if (at_asset < 0 && !f->context) {
    return bv_fail(err, BV_ARG,
                   "%s: there is no column asset; a source for the whole market is context",
                   f->label);
  }
  BV_TRY(quote(sqlite3_column_name(st, at_ts), &f->ts));
  if (at_asset >= 0) BV_TRY(quote(sqlite3_column_name(st, at_asset), &f->asset));
  if (at_known >= 0) BV_TRY(quote(sqlite3_column_name(st, at_known), &f->known));
  if (spec->columns) return named_columns(f, st, spec->columns, err);
  for (int c = 0; c < sqlite3_column_count(st) && c < MAX_COLUMNS; c++) {
    if (c == at_ts || c == at_asset || c == at_known) continue;
    BV_TRY(keep_column(f, sqlite3_column_name(st, c)));
  }
  return BV_OK;
}

/* ---- opening ---- */

/* Where the source is, in parts. */
static bv_rc keep_parts(bv_feature *f, const char *schema, const char *name, const char *dot) {
  if (dot) {
    f->schema = bv_strndup(BV_MEM_CURSOR, name, (size_t)(dot - name));
  } else if (schema) {
    f->schema = bv_strdup(BV_MEM_CURSOR, schema);
  }
  f->table = bv_strdup(BV_MEM_CURSOR, dot ? dot + 1 : name);
  return f->table && (f->schema || !(dot || schema)) ? BV_OK : BV_NOMEM;
}

/* The quoted name, in `schema` where it is there. */
static bv_rc find_source(bv_feature *f, const char *schema, const char *name, sqlite3_stmt **st,
                         bv_err *err) {
  const char *dot = strchr(name, '.');
  for (int attempt = 0; attempt < 2; attempt++) {
    if (attempt == 0 && (dot || !schema)) continue;
    char *from = attempt == 0 ? sqlite3_mprintf("\"%w\".\"%w\"", schema, name)
                 : dot        ? sqlite3_mprintf("\"%.*w\".\"%w\"", (int)(dot - name), name, dot + 1)
                              : sqlite3_mprintf("\"%w\"", name);
    char *sql = from ? sqlite3_mprintf("SELECT * FROM %s LIMIT 0", from) : NULL;
    bv_free(f->from);
    f->from = sql ? bv_strdup(BV_MEM_CURSOR, from) : NULL;
    sqlite3_free(from);
    int code = f->from ? sqlite3_prepare_v2(f->db, sql, -1, st, NULL) : SQLITE_NOMEM;
    sqlite3_free(sql);
    if (!f->from) return BV_NOMEM;
    if (code == SQLITE_OK)
      return keep_parts(f, attempt == 0 ? schema : NULL, name, attempt ? dot : NULL);
    if (attempt == 1 || (code & 0xff) != SQLITE_ERROR)
      return bv_sql_fail(f->db, code, err, f->label);
  }
  return BV_INTERNAL;
}

bv_rc bv_feature_open(sqlite3 *db, const char *schema, const bv_feature_spec *spec,
                      const bv_feature_spec *defaults, bool context, bv_feature *out, bv_err *err) {
  sqlite3_stmt *st = NULL;
  *out = (bv_feature){.db = db, .context = context};
  snprintf(out->label, sizeof out->label, "%s '%.70s'", context ? "context" : "signals",
           spec->name);
  bv_rc rc = read_options(out, spec, defaults, err);
  if (rc == BV_OK) rc = find_source(out, schema, spec->name, &st, err);
  if (rc == BV_OK) rc = read_columns(out, spec, st, err);
  sqlite3_finalize(st);
  if (rc != BV_OK) bv_feature_close(out);
  return rc;
}

void bv_feature_close(bv_feature *f) {
  bv_free(f->from);
  bv_free(f->schema);
  bv_free(f->table);
  bv_free(f->ts);
  bv_free(f->asset);
  bv_free(f->known);
  for (int c = 0; c < f->ncolumn; c++) bv_free(f->column[c]);
  bv_free(f->column);
  *f = (bv_feature){0};
}

/* ---- walking ---- */

static bv_rc add_columns(const bv_feature *f, bv_feature_walk walk, bv_buf *sql) {
  bool one = walk == BV_WALK_ASSET || walk == BV_WALK_BACK; /* whose asset is known */
  const char *known = f->known ? f->known : "NULL";
  bool take = walk == BV_WALK_TAKE || walk == BV_WALK_TAKE_ALL;
  if (take) {
    BV_TRY(bv_buf_addf(sql, "SELECT barsvt_take(%s%s%s", f->ts, f->known ? ", " : "",
                       f->known ? f->known : ""));
    if (walk == BV_WALK_TAKE_ALL) BV_TRY(bv_buf_addf(sql, ", %s", f->asset));
  } else {
    BV_TRY(
        bv_buf_addf(sql, "SELECT %s, %s, %s", f->ts, known, f->context || one ? "NULL" : f->asset));
  }
  for (int c = 0; c < f->ncolumn; c++) {
    char *name;
    BV_TRY(quote(f->column[c], &name));
    bv_rc rc = bv_buf_addf(sql, ", %s", name);
    bv_free(name);
    if (rc != BV_OK) return rc;
  }
  return bv_buf_addf(sql, "%s FROM %s WHERE ", take ? ")" : "", f->from);
}

static bv_rc add_walk(const bv_feature *f, bv_feature_walk walk, bv_buf *sql) {
  const char *down = walk == BV_WALK_BACK ? " DESC" : "";
  BV_TRY(add_columns(f, walk, sql));
  if (walk == BV_WALK_TAKE_ALL) return bv_buf_addf(sql, "%s IS NOT NULL", f->asset);
  if (walk == BV_WALK_TAKE) {
    return bv_buf_addf(sql, "%s = ?2 AND %s >= ?1 AND %s <= ?3", f->asset, f->ts, f->ts);
  }
  if (f->context && f->asset) BV_TRY(bv_buf_addf(sql, "%s IS NULL AND ", f->asset));
  if (!f->context && (walk == BV_WALK_ASSET || walk == BV_WALK_BACK)) {
    BV_TRY(bv_buf_addf(sql, "%s = ?2 AND ", f->asset));
  } else if (!f->context) {
    BV_TRY(bv_buf_addf(sql, "%s IS NOT NULL AND ", f->asset));
  }
  BV_TRY(walk == BV_WALK_BACK     ? bv_buf_addf(sql, "%s < ?1", f->ts)
         : walk == BV_WALK_ASSETS ? bv_buf_adds(sql, "1")
                                  : bv_buf_addf(sql, "%s >= ?1", f->ts));
  BV_TRY(bv_buf_adds(sql, " ORDER BY "));
  if (walk == BV_WALK_ASSETS && !f->context) BV_TRY(bv_buf_addf(sql, "%s, ", f->asset));
  BV_TRY(bv_buf_addf(sql, "%s%s", f->ts, down));
  return f->known ? bv_buf_addf(sql, ", %s%s", f->known, down) : BV_OK;
}

bv_rc bv_feature_prepare(const bv_feature *f, bv_feature_walk walk, sqlite3_stmt **out,
                         bv_err *err) {
  bv_buf sql;
  bv_buf_init(&sql, BV_MEM_CURSOR, 1 << 20);
  *out = NULL;
  bv_rc rc = add_walk(f, walk, &sql);
  if (rc == BV_OK) {
    int code =
        sqlite3_prepare_v3(f->db, bv_buf_text(&sql), -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
    if (code != SQLITE_OK) rc = bv_sql_fail(f->db, code, err, f->label);
  }
  bv_buf_reset(&sql);
  return rc;
}

bv_rc bv_feature_ordered(const bv_feature *f, bv_feature_walk walk, bool *out, bv_err *err) {
  bv_buf sql;
  sqlite3_stmt *st = NULL;
  int row;
  *out = true;
  bv_buf_init(&sql, BV_MEM_CURSOR, 1 << 20);
  bv_rc rc = bv_buf_adds(&sql, "EXPLAIN QUERY PLAN ");
  if (rc == BV_OK) rc = add_walk(f, walk, &sql);
  if (rc == BV_OK) rc = bv_sql_prepare(f->db, bv_buf_text(&sql), &st, err);
  bv_buf_reset(&sql);
  if (rc != BV_OK) return rc;
  while ((rc = bv_sql_row(f->db, st, &row, err, f->label)) == BV_OK && row) {
    if (strstr(bv_sql_text(st, 3), "TEMP B-TREE FOR ORDER BY")) *out = false;
  }
  sqlite3_finalize(st);
  return rc;
}

static bv_rc read_time(const bv_feature *f, const char *name, sqlite3_value *v, int64_t *out,
                       bv_err *err) {
  int type = sqlite3_value_type(v);
  if (type == SQLITE_INTEGER) {
    *out = sqlite3_value_int64(v);
    if (*out >= BV_INSTANT_MIN && *out <= BV_INSTANT_MAX) return BV_OK;
  }
  bv_err why = {0};
  double d = sqlite3_value_double(v);
  *out = sqlite3_value_int64(v);
  bool whole = type == SQLITE_INTEGER || (type == SQLITE_FLOAT && fabs(d) < 9e15 && d == floor(d));
  if (!whole) {
    const char *text = type == SQLITE_BLOB ? "a blob" : (const char *)sqlite3_value_text(v);
    return bv_fail(err, BV_ARG,
                   "%s: %s is '%.40s', not a whole number of epoch seconds; use a view with "
                   "bars_time(%s)",
                   f->label, name, text ? text : "", name);
  }
  if (bv_instant_check(*out, &why) == BV_OK) return BV_OK;
  return bv_fail(err, BV_ARG, "%s: %s: %s", f->label, name, why.msg);
}

bv_rc bv_feature_read(const bv_feature *f, sqlite3_value *ts, sqlite3_value *known,
                      bv_feature_row *out, bv_err *err) {
  BV_TRY(read_time(f, "ts", ts, &out->ts, err));
  out->exists_at = out->ts;
  out->asset = NULL;
  if (!f->known) return BV_OK;
  if (sqlite3_value_type(known) == SQLITE_NULL) {
    out->exists_at = BV_NEVER;
    return BV_OK;
  }
  return read_time(f, "known_at", known, &out->exists_at, err);
}

bv_rc bv_feature_next(const bv_feature *f, sqlite3_stmt *st, bv_feature_row *out, bool *more,
                      bv_err *err) {
  int row;
  *more = false;
  BV_TRY(bv_sql_row(f->db, st, &row, err, f->label));
  if (!row) return BV_OK;
  *more = true;
  sqlite3_value *known = f->known ? sqlite3_column_value(st, 1) : NULL;
  BV_TRY(bv_feature_read(f, sqlite3_column_value(st, 0), known, out, err));
  if (f->context || sqlite3_column_type(st, 2) == SQLITE_NULL) return BV_OK;
  out->asset = (const char *)sqlite3_column_text(st, 2);
  return out->asset ? BV_OK : BV_NOMEM;
}
