/* contract.c - what is traded, beyond its bars; see contract.h. */
#include "data/contract.h"

#include "base/text.h"
#include "data/sql.h"
#include "time/instant.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

extern const char bv_sql_contract[];

static const char *const corporate_name[] = {
    [BV_CORPORATE_SPLIT] = "split", [BV_CORPORATE_DIVIDEND] = "dividend", NULL};

bv_rc bv_corporate_parse(const char *kind, bv_corporate *out, bv_err *err) {
  for (int i = 0; corporate_name[i]; i++) {
    if (!bv_text_ieq(kind, corporate_name[i])) continue;
    *out = (bv_corporate)i;
    return BV_OK;
  }
  return bv_fail(err, BV_ARG,
                 "unknown kind of corporate action '%.40s'; there are split and dividend", kind);
}

static bv_rc has_table(bv_store *s, const char *name, bool *out, bv_err *err) {
  sqlite3_stmt *st;
  int row = 0;
  BV_TRY(bv_store_prepare(s, "SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = ?1",
                          &st, err));
  sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
  bv_rc rc = bv_sql_row(s->db, st, &row, err, name);
  sqlite3_finalize(st);
  *out = row;
  return rc;
}

static bv_rc put(bv_store *s, const char *asset, const bv_corporate_action *a, bv_err *err) {
  sqlite3_stmt *st;
  BV_TRY(bv_sql_exec(s->db, bv_sql_contract, err));
  BV_TRY(bv_sql_prepare(
      s->db,
      isnan(a->value) ? "DELETE FROM main.barsvt_action WHERE asset = ?1 AND ts = ?2 AND kind = ?3"
                      : "INSERT OR REPLACE INTO main.barsvt_action(asset, ts, kind, value)"
                        " VALUES (?1, ?2, ?3, ?4)",
      &st, err));
  sqlite3_bind_text(st, 1, asset, -1, SQLITE_STATIC);
  sqlite3_bind_int64(st, 2, a->ts);
  sqlite3_bind_text(st, 3, corporate_name[a->kind], -1, SQLITE_STATIC);
  if (!isnan(a->value)) sqlite3_bind_double(st, 4, a->value);
  bv_rc rc = bv_sql_done(s->db, st, err, "barsvt_action");
  sqlite3_finalize(st);
  return rc;
}

bv_rc bv_corporate_put(bv_store *s, const char *asset, const bv_corporate_action *action,
                       bv_err *err) {
  bv_savepoint savepoint;
  if (!isnan(action->value) && !(action->value > 0 && !isinf(action->value))) {
    return bv_fail(err, BV_ARG, "the value of a %s is a number above 0",
                   corporate_name[action->kind]);
  }
  BV_TRY(bv_store_savepoint(s, &savepoint, err));
  bv_rc rc = put(s, asset, action, err);
  return bv_savepoint_close(s->db, &savepoint, rc, err);
}

static bv_rc action_from_row(sqlite3_stmt *st, const char *asset, bv_corporate_action *out,
                             bv_err *err) {
  const char *kind = bv_sql_text(st, 1);
  *out = (bv_corporate_action){.ts = sqlite3_column_int64(st, 0),
                               .value = sqlite3_column_double(st, 2)};
  bool good = sqlite3_column_type(st, 0) == SQLITE_INTEGER &&
              bv_instant_check(out->ts, NULL) == BV_OK && out->value > 0 && !isinf(out->value) &&
              bv_corporate_parse(kind, &out->kind, NULL) == BV_OK;
  if (good) return BV_OK;
  return bv_fail(err, BV_CORRUPT,
                 "barsvt_action: the row of '%.64s' at %lld (kind '%.32s') cannot be read: kind is "
                 "split or dividend, value above 0",
                 asset, (long long)out->ts, kind);
}

static bv_rc read_in(bv_store *s, const char *asset, int64_t from, bv_corporate_each each,
                     void *ctx, bv_err *err) {
  sqlite3_stmt *st;
  bool there;
  int row;
  BV_TRY(has_table(s, "barsvt_action", &there, err));
  if (!there) return BV_OK;
  BV_TRY(bv_store_prepare(s,
                          "SELECT ts, kind, value FROM main.barsvt_action WHERE asset = ?1 AND"
                          " (ts >= ?2 OR typeof(ts) <> 'integer') ORDER BY ts, kind DESC",
                          &st, err));
  sqlite3_bind_text(st, 1, asset, -1, SQLITE_STATIC);
  sqlite3_bind_int64(st, 2, from);
  bv_rc rc;
  while ((rc = bv_sql_row(s->db, st, &row, err, "barsvt_action")) == BV_OK && row) {
    bv_corporate_action a;
    rc = action_from_row(st, asset, &a, err);
    if (rc == BV_OK) rc = each(ctx, &a, err);
    if (rc != BV_OK) break;
  }
  sqlite3_finalize(st);
  return rc;
}

bv_rc bv_corporate_read(bv_store *s, const char *asset, int64_t from, bv_corporate_each each,
                        void *ctx, bv_err *err) {
  BV_TRY(read_in(s, asset, from, each, ctx, err));
  for (int i = 0; i < s->nattached; i++) {
    BV_TRY(read_in(s->attached[i], asset, from, each, ctx, err));
  }
  return BV_OK;
}

/* --- properties --- */

static const char *const kind_word[] = {"stock", "future", "option", "crypto",
                                        "forex", "index",  NULL};
static const char *const right_word[] = {"none", "call", "put", NULL};
static const char *const delivery_word[] = {"cash", "physical", NULL};

#define AT(field) offsetof(bv_contract, field), sizeof(((bv_contract *)0)->field)

static const bv_property properties[] = {
    {"kind", BV_PROPERTY_WORD, AT(kind), kind_word},
    {"tick", BV_PROPERTY_NUMBER, AT(tick), NULL},
    {"lot", BV_PROPERTY_NUMBER, AT(lot), NULL},
    {"initial_margin", BV_PROPERTY_NUMBER, AT(initial_margin), NULL},
    {"maintenance_margin", BV_PROPERTY_NUMBER, AT(maintenance_margin), NULL},
    {"expiry", BV_PROPERTY_INSTANT, AT(expiry), NULL},
    {"strike", BV_PROPERTY_NUMBER, AT(strike), NULL},
    {"right", BV_PROPERTY_WORD, AT(right), right_word},
    {"settlement", BV_PROPERTY_WORD, AT(delivery), delivery_word},
    {"settlement_price", BV_PROPERTY_NUMBER, AT(settlement_price), NULL},
    {"underlying", BV_PROPERTY_TEXT, AT(underlying), NULL},
    {"currency", BV_PROPERTY_TEXT, AT(currency), NULL},
    {"calendar", BV_PROPERTY_TEXT, AT(calendar), NULL},
    {"sector", BV_PROPERTY_TEXT, AT(sector), NULL},
    {"industry", BV_PROPERTY_TEXT, AT(industry), NULL},
    {"country", BV_PROPERTY_TEXT, AT(country), NULL},
};

#define NPROPERTY ((int)(sizeof properties / sizeof *properties))

const bv_property *bv_properties(int *n) {
  *n = NPROPERTY;
  return properties;
}

const bv_property *bv_property_find(const char *name) {
  for (int i = 0; i < NPROPERTY; i++) {
    if (bv_text_ieq(name, properties[i].name)) return &properties[i];
  }
  return NULL;
}

const char *bv_property_text(const bv_contract *c, const bv_property *p) {
  const char *at = (const char *)c + p->at;
  int word;
  if (p->type == BV_PROPERTY_TEXT) return *at ? at : NULL;
  if (p->type != BV_PROPERTY_WORD) return NULL;
  memcpy(&word, at, sizeof word);
  return p->word == right_word && word == 0 ? NULL : p->word[word];
}

/* Put a value into a contract; an error text where it cannot be. */
static const char *take(bv_contract *c, const bv_property *p, sqlite3_value *v) {
  char *to = (char *)c + p->at;
  int type = sqlite3_value_type(v);
  bool number = type == SQLITE_INTEGER || type == SQLITE_FLOAT;
  const char *text = number || type == SQLITE_NULL ? "" : (const char *)sqlite3_value_text(v);
  if (!text) text = "";
  double x = sqlite3_value_double(v);
  int64_t t = sqlite3_value_int64(v);
  switch (p->type) {
  case BV_PROPERTY_NUMBER:
    if (!number || !(x > 0) || isinf(x)) return "it is a number above 0";
    memcpy(to, &x, sizeof x);
    return NULL;
  case BV_PROPERTY_INSTANT:
    if (type != SQLITE_INTEGER || bv_instant_check(t, NULL) != BV_OK) return "it is an instant";
    memcpy(to, &t, sizeof t);
    return NULL;
  case BV_PROPERTY_TEXT:
    if (!*text || strlen(text) >= p->size) return "it is a name";
    memcpy(to, text, strlen(text) + 1);
    return NULL;
  case BV_PROPERTY_WORD:
  default: break;
  }
  for (int i = 0; p->word[i]; i++) {
    if (!bv_text_ieq(text, p->word[i])) continue;
    memcpy(to, &i, sizeof i);
    return NULL;
  }
  return p->word == kind_word    ? "it is stock, future, option, crypto, forex or index"
         : p->word == right_word ? "it is none, call or put"
                                 : "it is cash or physical";
}

static bv_rc put_property(bv_store *s, const char *asset, const bv_property *p, sqlite3_value *v,
                          bv_err *err) {
  sqlite3_stmt *st;
  bool gone = sqlite3_value_type(v) == SQLITE_NULL;
  BV_TRY(bv_sql_exec(s->db, bv_sql_contract, err));
  BV_TRY(bv_sql_prepare(
      s->db,
      gone ? "DELETE FROM main.barsvt_property WHERE asset = ?1 AND name = ?2"
           : "INSERT OR REPLACE INTO main.barsvt_property(asset, name, value) VALUES (?1, ?2, ?3)",
      &st, err));
  sqlite3_bind_text(st, 1, asset, -1, SQLITE_STATIC);
  sqlite3_bind_text(st, 2, p->name, -1, SQLITE_STATIC);
  if (!gone) sqlite3_bind_value(st, 3, v);
  bv_rc rc = bv_sql_done(s->db, st, err, "barsvt_property");
  sqlite3_finalize(st);
  return rc;
}

bv_rc bv_property_put(bv_store *s, const char *asset, const bv_property *p, sqlite3_value *v,
                      bv_err *err) {
  bv_contract c = {0};
  bv_savepoint savepoint;
  const char *why = sqlite3_value_type(v) == SQLITE_NULL ? NULL : take(&c, p, v);
  if (why) return bv_fail(err, BV_ARG, "%s of '%.64s': %s", p->name, asset, why);
  BV_TRY(bv_store_savepoint(s, &savepoint, err));
  bv_rc rc = put_property(s, asset, p, v, err);
  return bv_savepoint_close(s->db, &savepoint, rc, err);
}

static bv_rc read_properties(bv_store *s, const char *asset, bv_contract *c, bv_err *err) {
  sqlite3_stmt *st;
  bool there;
  int row;
  BV_TRY(has_table(s, "barsvt_property", &there, err));
  if (!there) return BV_OK;
  BV_TRY(bv_store_prepare(s, "SELECT name, value FROM main.barsvt_property WHERE asset = ?1", &st,
                          err));
  sqlite3_bind_text(st, 1, asset, -1, SQLITE_STATIC);
  bv_rc rc;
  while ((rc = bv_sql_row(s->db, st, &row, err, "barsvt_property")) == BV_OK && row) {
    const bv_property *p = bv_property_find(bv_sql_text(st, 0));
    const char *why = p ? take(c, p, sqlite3_column_value(st, 1)) : "there is no such property";
    c->given = true;
    if (!why) continue;
    rc = bv_fail(err, BV_CORRUPT, "barsvt_property: '%.32s' of '%.64s': %s", bv_sql_text(st, 0),
                 asset, why);
    break;
  }
  sqlite3_finalize(st);
  return rc;
}

bv_rc bv_contract_read(bv_store *s, const char *asset, bv_contract *out, bv_err *err) {
  memset(out, 0, sizeof *out);
  BV_TRY(read_properties(s, asset, out, err));
  for (int i = 0; i < s->nattached && !out->given; i++) {
    BV_TRY(read_properties(s->attached[i], asset, out, err));
  }
  return BV_OK;
}
