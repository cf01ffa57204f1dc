/* inputs.c - what a run is made from; see inputs.h. */
#include "run/inputs.h"
#include "base/text.h"
#include "data/fingerprint.h"
#include "data/source.h"
#include "data/sql.h"
#include "run/match_feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the list ---- */

static void input_free(bv_origin *i) {
  bv_free(i->kind);
  bv_free(i->name);
  bv_free(i->value);
}

void bv_inputs_reset(bv_inputs *in) {
  for (int i = 0; i < in->n; i++) input_free(&in->at[i]);
  bv_free(in->at);
  *in = (bv_inputs){0};
}

bv_rc bv_inputs_add(bv_inputs *in, const char *kind, const char *name, const char *value) {
  BV_TRY(bv_room(BV_MEM_RUN, &in->at, in->n, sizeof *in->at));
  bv_origin *i = &in->at[in->n];
  *i = (bv_origin){bv_strdup(BV_MEM_RUN, kind), bv_strdup(BV_MEM_RUN, name),
                   value ? bv_strdup(BV_MEM_RUN, value) : NULL};
  if (i->kind && i->name && (i->value || !value)) {
    in->n++;
    return BV_OK;
  }
  input_free(i);
  return BV_NOMEM;
}

bv_rc bv_inputs_copy(bv_inputs *in, const bv_inputs *from) {
  for (int i = 0; from && i < from->n; i++) {
    BV_TRY(bv_inputs_add(in, from->at[i].kind, from->at[i].name, from->at[i].value));
  }
  return BV_OK;
}

static int by_name(const void *a, const void *b) {
  const bv_origin *x = a, *y = b;
  const int kind = strcmp(x->kind, y->kind);
  return kind ? kind : strcmp(x->name, y->name);
}

void bv_inputs_sort(bv_inputs *in) {
  int n = 0;
  if (in->n > 1) qsort(in->at, (size_t)in->n, sizeof *in->at, by_name);
  for (int i = 0; i < in->n; i++) {
    if (n > 0 && by_name(&in->at[n - 1], &in->at[i]) == 0) {
      input_free(&in->at[i]);
    } else {
      in->at[n++] = in->at[i];
    }
  }
  in->n = n;
}

static bv_rc add_print(bv_inputs *in, const char *kind, const char *name, const char *unit,
                       const bv_fingerprint *p) {
  char value[64];
  snprintf(value, sizeof value, "%lld %s, %016llx", (long long)p->n, unit,
           (unsigned long long)p->hash);
  return bv_inputs_add(in, kind, name, value);
}

/* ---- bars ---- */

/* The rows of a table of main about the asset, where there are any, with `time` up to an instant. */
static bv_rc add_rows_of(bv_store *s, const char *asset, const char *table, const char *columns,
                         const char *time, int64_t until, const char *kind, bv_inputs *in,
                         bv_err *err) {
  sqlite3_stmt *st;
  int row;
  BV_TRY(bv_sql_prepare(s->db, "SELECT 1 FROM main.sqlite_schema WHERE name = ?1", &st, err));
  sqlite3_bind_text(st, 1, table, -1, SQLITE_STATIC);
  bv_rc rc = bv_sql_row(s->db, st, &row, err, "sqlite_schema");
  sqlite3_finalize(st);
  if (rc != BV_OK || !row) return rc;
  bv_fingerprint p;
  char *sql = sqlite3_mprintf("SELECT %s FROM main.%s WHERE asset = %Q AND %s <= %lld"
                              " ORDER BY 1, 2",
                              columns, table, asset, time, (long long)until);
  rc = sql ? bv_rows_fingerprint(s->db, sql, &p, err) : BV_NOMEM;
  sqlite3_free(sql);
  return rc == BV_OK && p.n > 0 ? add_print(in, kind, asset, "rows", &p) : rc;
}

/* What the asset is, and its splits and dividends, where it has any. */
static bv_rc add_asset(bv_store *s, const bv_series *series, int64_t until, bv_inputs *in,
                       bv_err *err) {
  char value[64 + 32], number[32];
  bv_format_f64(series->multiplier, number);
  snprintf(value, sizeof value, "multiplier %s, tz %.48s", number, bv_zone_name(series->zone));
  BV_TRY(bv_inputs_add(in, "asset", series->asset, value));
  BV_TRY(add_rows_of(s, series->asset, "barsvt_property", "name, value", "0", until, "properties",
                     in, err));
  return add_rows_of(s, series->asset, "barsvt_action", "ts, kind, value", "ts", until, "actions",
                     in, err);
}

bv_rc bv_inputs_bars(bv_store *s, const bv_series *series, int64_t until, bv_inputs *in,
                     bv_err *err) {
  char name[BV_ASSET_MAX + 40];
  const bv_source src = bv_source_stored(series);
  bv_fingerprint p;
  snprintf(name, sizeof name, "%s, %s", series->asset, series->step_text);
  for (int i = 0; i < in->n; i++) {
    if (strcmp(in->at[i].kind, "bars") == 0 && strcmp(in->at[i].name, name) == 0) return BV_OK;
  }
  BV_TRY(add_asset(s, series, until, in, err));
  BV_TRY(bv_series_fingerprint(s, series, bv_source_limit(&src, until), &p, err));
  return add_print(in, "bars", name, "bars", &p);
}

bv_rc bv_inputs_fed(bv_store *s, const bv_feed_asset *a, int64_t until, bv_inputs *in,
                    bv_err *err) {
  BV_TRY(bv_inputs_bars(s, &a->series, until, in, err));
  for (int k = 0; a->quotes && k < BV_QUOTE_SIDES; k++) {
    const bv_quote_side_feed *side = &a->quotes->side[k];
    if (side->there && !side->base) BV_TRY(bv_inputs_bars(s, &side->series, until, in, err));
  }
  return BV_OK;
}

bv_rc bv_inputs_bars_named(bv_store *s, const char *name, int64_t until, bv_inputs *in,
                           bv_err *err) {
  char asset[BV_ASSET_MAX + 40];
  const bv_series *series = NULL;
  snprintf(asset, sizeof asset, "%s", name);
  char *step = NULL;
  for (char *p = strstr(asset, ", "); p; p = strstr(p + 1, ", ")) step = p;
  if (step) {
    *step = 0;
    BV_TRY(bv_series_find(s, asset, step + 2, &series, err));
  }
  return series ? bv_inputs_bars(s, series, until, in, err) : bv_inputs_add(in, "bars", name, NULL);
}

/* ---- views and tables ---- */

typedef struct object {
  char *schema, *name, *sql;
  bool view, seen; /* view: a view or a virtual table, which are their text */
} object;

typedef struct objects {
  object *at;
  int n;
  bv_map by_name; /* in lower case -> object number + 1; of several databases the first */
} objects;

static void objects_reset(objects *o) {
  for (int i = 0; i < o->n; i++) {
    bv_free(o->at[i].schema);
    bv_free(o->at[i].name);
    bv_free(o->at[i].sql);
  }
  bv_free(o->at);
  bv_map_reset(&o->by_name);
}

/* Names of SQLite's, of the store and of results are no inputs of their own. */
static bool own_name(const char *name) {
  return strncmp(name, "sqlite_", 7) == 0 || strncmp(name, "barsvt_", 7) == 0 ||
         strncmp(name, "bt_", 3) == 0;
}

static bv_rc add_object(objects *o, const char *schema, sqlite3_stmt *st) {
  const char *name = bv_sql_text(st, 1), *sql = bv_sql_text(st, 2), *low = bv_sql_text(st, 3);
  if (own_name(low) || bv_map_find(&o->by_name, low, strlen(low))) return BV_OK;
  BV_TRY(bv_room(BV_MEM_RUN, &o->at, o->n, sizeof *o->at));
  object *x = &o->at[o->n++];
  bool table = strcmp(bv_sql_text(st, 0), "table") == 0;
  *x = (object){.schema = bv_strdup(BV_MEM_RUN, schema),
                .name = bv_strdup(BV_MEM_RUN, name),
                .sql = bv_strdup(BV_MEM_RUN, sql)};
  if (!x->schema || !x->name || !x->sql) return BV_NOMEM;
  x->view = !table || strncmp(x->sql, "CREATE VIRTUAL", 14) == 0;
  return bv_map_put(&o->by_name, low, strlen(low), (void *)(intptr_t)o->n);
}

static bv_rc list_objects(sqlite3 *db, bool temp, objects *o, bv_err *err) {
  sqlite3_stmt *list, *st;
  int row;
  BV_TRY(bv_sql_prepare(db, "SELECT name FROM pragma_database_list ORDER BY seq <> 1, seq", &list,
                        err));
  bv_rc rc;
  while ((rc = bv_sql_row(db, list, &row, err, "databases")) == BV_OK && row) {
    const char *schema = bv_sql_text(list, 0);
    if (!temp && strcmp(schema, "temp") == 0) continue;
    char *sql = sqlite3_mprintf("SELECT type, name, sql, lower(name) FROM \"%w\".sqlite_schema"
                                " WHERE type IN ('table', 'view') ORDER BY rowid",
                                schema);
    rc = sql ? bv_sql_prepare(db, sql, &st, err) : BV_NOMEM;
    sqlite3_free(sql);
    if (rc != BV_OK) break;
    while ((rc = bv_sql_row(db, st, &row, err, "sqlite_schema")) == BV_OK && row) {
      if ((rc = add_object(o, schema, st)) != BV_OK) break;
    }
    sqlite3_finalize(st);
    if (rc != BV_OK) break;
  }
  sqlite3_finalize(list);
  return rc;
}

typedef struct walker {
  sqlite3 *db;
  objects *all;
  bv_inputs *in;
} walker;

static bv_rc walk(walker *w, const char *sql, bv_err *err);

static bv_rc add_table(walker *w, const object *x, bv_err *err) {
  bv_fingerprint p;
  BV_TRY(bv_table_fingerprint(w->db, x->schema, x->name, &p, err));
  return add_print(w->in, "table", x->name, "rows", &p);
}

/* A word that may be the name of something. */
static bv_rc note(walker *w, const char *word, size_t n, bv_err *err) {
  char low[128];
  if (n == 0 || n >= sizeof low) return BV_OK;
  for (size_t i = 0; i < n; i++) {
    low[i] = word[i] >= 'A' && word[i] <= 'Z' ? (char)(word[i] + 32) : word[i];
  }
  intptr_t number = (intptr_t)bv_map_find(&w->all->by_name, low, n);
  if (number == 0 || w->all->at[number - 1].seen) return BV_OK;
  object *x = &w->all->at[number - 1];
  x->seen = true;
  if (!x->view) return add_table(w, x, err);
  BV_TRY(bv_inputs_add(w->in, "view", x->name, x->sql));
  return walk(w, x->sql, err);
}

static bool word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '$' || (c & 0x80);
}

/* Every word of an SQL text, those in quotes too: arguments of tables name others ('signals=preds').
** Quoted names count as a whole and word by word. */
static bv_rc walk(walker *w, const char *sql, bv_err *err) {
  for (const char *p = sql; *p;) {
    const char *from = p;
    if (p[0] == '-' && p[1] == '-') {
      p += strcspn(p, "\n");
    } else if (p[0] == '/' && p[1] == '*') {
      const char *end = strstr(p + 2, "*/");
      p = end ? end + 2 : p + strlen(p);
    } else if (*p == '"' || *p == '\'' || *p == '`' || *p == '[') {
      const char *end = strchr(p + 1, *p == '[' ? ']' : *p);
      if (end) BV_TRY(note(w, p + 1, (size_t)(end - p - 1), err));
      p++;
    } else if (word_char(*p)) {
      while (word_char(*p)) p++;
      BV_TRY(note(w, from, (size_t)(p - from), err));
    } else {
      p++;
    }
  }
  return BV_OK;
}

bv_rc bv_inputs_collect(bv_store *s, const bv_origin_of *of, bv_inputs *in, bv_err *err) {
  objects all = {0};
  bv_map_init(&all.by_name);
  BV_TRY(bv_inputs_add(in, "version", "library", of->version));
  BV_TRY(bv_inputs_add(in, "version", "sqlite", sqlite3_libversion()));
  BV_TRY(bv_inputs_add(in, "setting", "tz", bv_zone_name(of->zone)));
  if (of->document) BV_TRY(bv_inputs_add(in, "document", "", of->document));
  walker w = {s->db, &all, in};
  bv_rc rc = list_objects(s->db, !of->document, &all, err);
  for (int i = 0; rc == BV_OK && i < all.n; i++)
    all.at[i].seen = bv_text_ieq(all.at[i].name, of->strategy);
  if (rc == BV_OK) rc = walk(&w, of->sql, err);
  if (rc == BV_OK && of->config) rc = walk(&w, of->config, err);
  objects_reset(&all);
  return rc;
}

/* ---- the table bt_input ---- */

bv_rc bv_inputs_write(sqlite3 *db, int64_t run, const bv_inputs *in, bv_err *err) {
  sqlite3_stmt *st;
  BV_TRY(bv_sql_prepare(db, "INSERT INTO main.bt_input VALUES (?1, ?2, ?3, ?4)", &st, err));
  bv_rc rc = BV_OK;
  for (int i = 0; i < in->n && rc == BV_OK; i++) {
    sqlite3_bind_int64(st, 1, run);
    sqlite3_bind_text(st, 2, in->at[i].kind, -1, SQLITE_STATIC);
    sqlite3_bind_text(st, 3, in->at[i].name, -1, SQLITE_STATIC);
    sqlite3_bind_text(st, 4, in->at[i].value, -1, SQLITE_STATIC);
    rc = bv_sql_done(db, st, err, "writing bt_input");
  }
  sqlite3_finalize(st);
  return rc;
}

bv_rc bv_inputs_read(sqlite3 *db, int64_t run, bv_inputs *in, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  BV_TRY(bv_sql_prepare(
      db, "SELECT kind, name, value FROM main.bt_input WHERE run = ?1 ORDER BY kind, name", &st,
      err));
  sqlite3_bind_int64(st, 1, run);
  bv_rc rc;
  while ((rc = bv_sql_row(db, st, &row, err, "reading bt_input")) == BV_OK && row) {
    const bool null = sqlite3_column_type(st, 2) == SQLITE_NULL;
    rc =
        bv_inputs_add(in, bv_sql_text(st, 0), bv_sql_text(st, 1), null ? NULL : bv_sql_text(st, 2));
    if (rc != BV_OK) break;
  }
  sqlite3_finalize(st);
  return rc;
}
