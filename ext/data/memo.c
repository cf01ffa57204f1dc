/* memo.c - results of features, kept; see memo.h. */
#include "data/memo.h"
#include "data/sql.h"

#include <stdlib.h>
#include <string.h>

struct bv_memo {
  bv_map features; /* name -> bv_memo_feature* */
  sqlite3_stmt *find;
  bool absent; /* the tables are known not to be there */
};

static const char *const schema = "CREATE TABLE IF NOT EXISTS main.barsvt_feature(id INTEGER "
                                  "PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
                                  " version TEXT NOT NULL);"
                                  "CREATE TABLE IF NOT EXISTS main.barsvt_feature_value(feature "
                                  "INTEGER NOT NULL, asset TEXT NOT NULL,"
                                  " ts INTEGER NOT NULL, args TEXT NOT NULL, value, PRIMARY "
                                  "KEY(feature, asset, ts, args)) WITHOUT ROWID";

static bv_rc get_memo(bv_store *s, struct bv_memo **out) {
  if (!s->memo) {
    s->memo = bv_alloc0(BV_MEM_DERIVED, sizeof *s->memo);
    if (!s->memo) return BV_NOMEM;
    bv_map_init(&s->memo->features);
  }
  *out = s->memo;
  return BV_OK;
}

static void forget_fresh(bv_memo_feature *f) {
  size_t at = 0;
  for (const bv_map_entry *e; (e = bv_map_next(&f->fresh, &at)) != NULL;)
    sqlite3_value_free(e->value);
  bv_map_reset(&f->fresh);
}

static void free_feature(bv_memo_feature *f) {
  forget_fresh(f);
  bv_free(f->name);
  bv_free(f->version);
  bv_free(f);
}

void bv_memo_drop_statements(bv_store *s) {
  if (!s->memo) return;
  sqlite3_finalize(s->memo->find);
  s->memo->find = NULL;
}

void bv_memo_free(bv_store *s) {
  if (!s->memo) return;
  bv_memo_drop_statements(s);
  size_t at = 0;
  for (const bv_map_entry *e; (e = bv_map_next(&s->memo->features, &at)) != NULL;)
    free_feature(e->value);
  bv_map_reset(&s->memo->features);
  bv_free(s->memo);
  s->memo = NULL;
}

static bv_rc set_version(bv_memo_feature *f, const char *version) {
  if (f->version && strcmp(f->version, version) == 0) return BV_OK;
  char *copy = bv_strdup(BV_MEM_DERIVED, version);
  if (!copy) return BV_NOMEM;
  bv_free(f->version);
  f->version = copy;
  forget_fresh(f);
  return BV_OK;
}

static bv_rc make_feature(struct bv_memo *m, const char *name, bv_memo_feature **out) {
  bv_memo_feature *f = bv_alloc0(BV_MEM_DERIVED, sizeof *f);
  if (!f) return BV_NOMEM;
  bv_map_init(&f->fresh);
  f->name = bv_strdup(BV_MEM_DERIVED, name);
  bv_rc rc = f->name ? bv_map_put(&m->features, name, strlen(name), f) : BV_NOMEM;
  if (rc != BV_OK) {
    free_feature(f);
    return rc;
  }
  *out = f;
  return BV_OK;
}

bv_rc bv_memo_feature_set(bv_store *s, const char *name, const char *version, bv_memo_feature **out,
                          bv_err *err) {
  struct bv_memo *m;
  (void)err;
  BV_TRY(get_memo(s, &m));
  m->absent = false;
  *out = bv_map_find(&m->features, name, strlen(name));
  if (!*out) BV_TRY(make_feature(m, name, out));
  return set_version(*out, version);
}

/* ---- looking ---- */

static bv_rc add_key(bv_buf *b, const char *asset, int64_t ts, const char *args) {
  return bv_buf_addf(b, "%lld\x1f%s\x1f%s", (long long)ts, asset, args);
}

static bv_rc find_fresh(const bv_memo_feature *f, const char *asset, int64_t ts, const char *args,
                        sqlite3_value **out) {
  bv_buf key;
  if (f->fresh.live == 0) return BV_OK;
  bv_buf_init(&key, BV_MEM_DERIVED, 1 << 24);
  bv_rc rc = add_key(&key, asset, ts, args);
  sqlite3_value *v =
      rc == BV_OK ? bv_map_find(&f->fresh, bv_buf_text(&key), strlen(bv_buf_text(&key))) : NULL;
  bv_buf_reset(&key);
  if (v) {
    *out = sqlite3_value_dup(v);
    if (!*out) rc = BV_NOMEM;
  }
  return rc;
}

/* Whether the tables are there; one that is not is looked for again when something is registered or saved. */
static bv_rc tables_exist(bv_store *s, bool *out, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  BV_TRY(bv_sql_prepare(
      s->db,
      "SELECT 1 FROM main.sqlite_master WHERE type = 'table' AND name = 'barsvt_feature_value'",
      &st, err));
  bv_rc rc = bv_sql_row(s->db, st, &row, err, "sqlite_master");
  *out = rc == BV_OK && row;
  sqlite3_finalize(st);
  return rc;
}

static bv_rc find_stored(bv_store *s, const bv_memo_feature *f, const char *asset, int64_t ts,
                         const char *args, sqlite3_value **out, bv_err *err) {
  struct bv_memo *m = s->memo;
  int row;
  if (m->absent) return BV_OK;
  if (!m->find) {
    bool there;
    BV_TRY(tables_exist(s, &there, err));
    m->absent = !there;
    if (!there) return BV_OK;
    BV_TRY(bv_store_prepare(
        s,
        "SELECT v.value FROM main.barsvt_feature f JOIN main.barsvt_feature_value v"
        " ON v.feature = f.id WHERE f.name = ?1 AND f.version = ?2 AND v.asset = ?3"
        " AND v.ts = ?4 AND v.args = ?5",
        &m->find, err));
  }
  sqlite3_bind_text(m->find, 1, f->name, -1, SQLITE_STATIC);
  sqlite3_bind_text(m->find, 2, f->version, -1, SQLITE_STATIC);
  sqlite3_bind_text(m->find, 3, asset, -1, SQLITE_STATIC);
  sqlite3_bind_int64(m->find, 4, ts);
  sqlite3_bind_text(m->find, 5, args, -1, SQLITE_STATIC);
  bv_rc rc = bv_sql_row(s->db, m->find, &row, err, "barsvt_feature_value");
  if (rc == BV_OK && row) {
    *out = sqlite3_value_dup(sqlite3_column_value(m->find, 0));
    if (!*out) rc = BV_NOMEM;
  }
  sqlite3_reset(m->find);
  return rc;
}

bv_rc bv_memo_find(bv_store *s, bv_memo_feature *f, const char *asset, int64_t ts, const char *args,
                   sqlite3_value **out, bv_err *err) {
  *out = NULL;
  BV_TRY(find_fresh(f, asset, ts, args, out));
  if (!*out) BV_TRY(find_stored(s, f, asset, ts, args, out, err));
  if (*out) f->hits++;
  if (!*out) f->misses++;
  return BV_OK;
}

bv_rc bv_memo_keep(bv_memo_feature *f, const char *asset, int64_t ts, const char *args,
                   sqlite3_value *value) {
  bv_buf key;
  sqlite3_value *copy = sqlite3_value_dup(value);
  if (!copy) return BV_NOMEM;
  bv_buf_init(&key, BV_MEM_DERIVED, 1 << 24);
  bv_rc rc = add_key(&key, asset, ts, args);
  if (rc == BV_OK) {
    size_t n = strlen(bv_buf_text(&key));
    sqlite3_value *old = bv_map_find(&f->fresh, bv_buf_text(&key), n);
    rc = bv_map_put(&f->fresh, bv_buf_text(&key), n, copy);
    if (rc == BV_OK) sqlite3_value_free(old);
  }
  bv_buf_reset(&key);
  if (rc != BV_OK) sqlite3_value_free(copy);
  return rc;
}

/* ---- saving ---- */

/* The feature's number, after values of another version are gone. */
static bv_rc feature_id(bv_store *s, const bv_memo_feature *f, int64_t *id, bv_err *err) {
  static const char *const sql[] = {
      "DELETE FROM main.barsvt_feature_value WHERE feature IN"
      " (SELECT id FROM main.barsvt_feature WHERE name = ?1 AND version <> ?2)",
      "INSERT INTO main.barsvt_feature(name, version) VALUES (?1, ?2)"
      " ON CONFLICT(name) DO UPDATE SET version = excluded.version",
      "SELECT id FROM main.barsvt_feature WHERE name = ?1 AND version = ?2"};
  for (int i = 0; i < 3; i++) {
    sqlite3_stmt *st;
    int row;
    BV_TRY(bv_sql_prepare(s->db, sql[i], &st, err));
    sqlite3_bind_text(st, 1, f->name, -1, SQLITE_STATIC);
    sqlite3_bind_text(st, 2, f->version, -1, SQLITE_STATIC);
    bv_rc rc = bv_sql_row(s->db, st, &row, err, "barsvt_feature");
    if (rc == BV_OK && row) *id = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    if (rc != BV_OK) return rc;
  }
  return BV_OK;
}

static bv_rc save_value(bv_store *s, sqlite3_stmt *put, const bv_map_entry *e, bv_err *err) {
  const char *asset = strchr(e->key, '\x1f') + 1, *args = strchr(asset, '\x1f') + 1;
  sqlite3_bind_text(put, 2, asset, (int)(args - asset - 1), SQLITE_STATIC);
  sqlite3_bind_int64(put, 3, strtoll(e->key, NULL, 10));
  sqlite3_bind_text(put, 4, args, -1, SQLITE_STATIC);
  sqlite3_bind_value(put, 5, e->value);
  return bv_sql_done(s->db, put, err, "barsvt_feature_value");
}

static bv_rc save_feature(bv_store *s, bv_memo_feature *f, int64_t *n, bv_err *err) {
  sqlite3_stmt *put;
  int64_t id = 0;
  size_t at = 0;
  BV_TRY(feature_id(s, f, &id, err));
  BV_TRY(bv_sql_prepare(
      s->db, "INSERT OR REPLACE INTO main.barsvt_feature_value VALUES (?1, ?2, ?3, ?4, ?5)", &put,
      err));
  sqlite3_bind_int64(put, 1, id);
  bv_rc rc = BV_OK;
  for (const bv_map_entry *e; rc == BV_OK && (e = bv_map_next(&f->fresh, &at)) != NULL; ++*n) {
    rc = save_value(s, put, e, err);
  }
  sqlite3_finalize(put);
  return rc;
}

static bv_rc save_all(bv_store *s, int64_t *n, bv_err *err) {
  size_t at = 0;
  BV_TRY(bv_sql_exec(s->db, schema, err));
  for (const bv_map_entry *e; (e = bv_map_next(&s->memo->features, &at)) != NULL;) {
    bv_memo_feature *f = e->value;
    if (f->fresh.live > 0) BV_TRY(save_feature(s, f, n, err));
  }
  return BV_OK;
}

static bool is_anything_fresh(const struct bv_memo *m) {
  size_t at = 0;
  for (const bv_map_entry *e; (e = bv_map_next(&m->features, &at)) != NULL;) {
    if (((const bv_memo_feature *)e->value)->fresh.live > 0) return true;
  }
  return false;
}

bv_rc bv_memo_save(bv_store *s, int64_t *n, bv_err *err) {
  int64_t saved = 0;
  bv_savepoint sp;
  if (n) *n = 0;
  if (!s->memo || !is_anything_fresh(s->memo)) return BV_OK;
  bv_memo_drop_statements(s);
  BV_TRY(bv_store_savepoint(s, &sp, err));
  bv_rc rc = save_all(s, &saved, err);
  rc = bv_savepoint_close(s->db, &sp, rc, err);
  if (rc != BV_OK) return rc;
  s->memo->absent = false;
  size_t at = 0;
  for (const bv_map_entry *e; (e = bv_map_next(&s->memo->features, &at)) != NULL;)
    forget_fresh(e->value);
  if (n) *n = saved;
  return BV_OK;
}
