/* held.c - rows of sources that were read once and are kept for the next time; see held.h. */
#include "data/held.h"
#include "base/buf.h"
#include "base/map.h"

#include <string.h>

/* What is held of one source. */
typedef struct source {
  struct source *next;
  char *key;
  bv_held_stamp stamp;
  bv_map rows; /* asset -> bv_held_rows* */
} source;

struct bv_holding {
  source *first;
  int64_t bytes;
};

/* ---- stamps ---- */

static bv_rc number(sqlite3 *db, const char *sql, int64_t *out, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  BV_TRY(bv_sql_prepare(db, sql, &st, err));
  bv_rc rc = bv_sql_row(db, st, &row, err, "pragma");
  *out = rc == BV_OK && row ? sqlite3_column_int64(st, 0) : -1;
  sqlite3_finalize(st);
  return rc;
}

/* Whether `schema` has something of the name, and whether that is an ordinary table. */
static bv_rc look(sqlite3 *db, const char *schema, const char *name, bool *there, bool *ordinary,
                  bv_err *err) {
  sqlite3_stmt *st;
  int row;
  char *sql = sqlite3_mprintf("SELECT type = 'table' AND rootpage > 0 FROM \"%w\".sqlite_master"
                              " WHERE type IN ('table', 'view') AND name = ?1 COLLATE NOCASE",
                              schema);
  if (!sql) return BV_NOMEM;
  bv_rc rc = bv_sql_prepare(db, sql, &st, err);
  sqlite3_free(sql);
  if (rc != BV_OK) return rc;
  sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
  rc = bv_sql_row(db, st, &row, err, "sqlite_master");
  *there = rc == BV_OK && row;
  *ordinary = *there && sqlite3_column_int(st, 0);
  sqlite3_finalize(st);
  return rc;
}

/* The database a source is in: where SQLite finds its name.  *schema = NULL: it is no ordinary table of any. */
static bv_rc find_schema(sqlite3 *db, const bv_feature *f, char **schema, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  bool there = false, ordinary = false;
  bv_rc rc;
  *schema = NULL;
  BV_TRY(bv_sql_prepare(db, "SELECT name FROM pragma_database_list ORDER BY name <> 'temp', seq",
                        &st, err));
  while ((rc = bv_sql_row(db, st, &row, err, "database_list")) == BV_OK && row && !there) {
    const char *name = bv_sql_text(st, 0);
    if (f->schema && sqlite3_stricmp(name, f->schema) != 0) continue;
    rc = look(db, name, f->table, &there, &ordinary, err);
    if (rc == BV_OK && ordinary) {
      *schema = bv_strdup(BV_MEM_DERIVED, name);
      if (!*schema) rc = BV_NOMEM;
    }
    if (rc != BV_OK) break;
  }
  sqlite3_finalize(st);
  return rc;
}

bv_rc bv_held_stamp_now(bv_store *s, const bv_feature *f, bv_held_stamp *out, bv_err *err) {
  char *schema, *data = NULL, *version = NULL;
  *out = (bv_held_stamp){0};
  BV_TRY(find_schema(s->db, f, &schema, err));
  if (!schema || sqlite3_txn_state(s->db, NULL) == SQLITE_TXN_WRITE) {
    bv_free(schema);
    return BV_OK;
  }
  data = sqlite3_mprintf("PRAGMA \"%w\".data_version", schema);
  version = sqlite3_mprintf("PRAGMA \"%w\".schema_version", schema);
  bv_rc rc = data && version ? BV_OK : BV_NOMEM;
  if (rc == BV_OK) rc = number(s->db, data, &out->data, err);
  if (rc == BV_OK) rc = number(s->db, version, &out->schema, err);
  out->changes = sqlite3_total_changes64(s->db);
  out->ok = rc == BV_OK;
  sqlite3_free(data);
  sqlite3_free(version);
  bv_free(schema);
  return rc;
}

static bool same_stamp(const bv_held_stamp *a, const bv_held_stamp *b) {
  return a->ok && b->ok && a->data == b->data && a->schema == b->schema && a->changes == b->changes;
}

bv_rc bv_held_key(const bv_feature *f, const bool *wanted, bv_buf *out) {
  char span[32] = "";
  if (f->has_span) bv_timestep_format(f->span, span);
  BV_TRY(bv_buf_addf(out, "%s|%s|%s|%s|%s|%d", f->from, f->ts, f->asset ? f->asset : "",
                     f->known ? f->known : "", span, f->context));
  for (int c = 0; c < f->ncolumn; c++) {
    BV_TRY(bv_buf_addf(out, "|%s", wanted[c] ? f->column[c] : ""));
  }
  return BV_OK;
}

/* ---- what is held ---- */

static void free_rows(bv_held_rows *h) {
  bv_rows_reset(&h->rows);
  bv_free(h);
}

static void let_go(struct bv_holding *all, bv_held_rows *h) {
  all->bytes -= h->bytes;
  h->dropped = true;
  if (h->readers == 0) free_rows(h);
}

static bool drop_source(struct bv_holding *all, source *s) {
  bool any = false;
  size_t at = 0;
  for (const bv_map_entry *e; (e = bv_map_next(&s->rows, &at)) != NULL;) {
    let_go(all, e->value);
    any = true;
  }
  bv_map_reset(&s->rows);
  return any;
}

static source *find_source(const bv_store *s, const char *key) {
  source *at = s->held ? s->held->first : NULL;
  while (at && strcmp(at->key, key) != 0) at = at->next;
  return at;
}

bv_held_rows *bv_held_find(bv_store *s, const char *key, const bv_held_stamp *at, const char *asset,
                           int64_t upto) {
  source *held = find_source(s, key);
  if (!held) return NULL;
  if (!same_stamp(&held->stamp, at)) {
    if (at->ok) drop_source(s->held, held);
    return NULL;
  }
  bv_held_rows *h = bv_map_find(&held->rows, asset, strlen(asset));
  if (!h || h->upto < upto) return NULL;
  h->readers++;
  return h;
}

void bv_held_done(bv_held_rows *h) {
  if (h && --h->readers == 0 && h->dropped) free_rows(h);
}

bool bv_held_room(const bv_store *s, int64_t n) {
  int64_t used = s->held ? s->held->bytes : 0;
  return used + n <= bv_mem_limit() / 4 && bv_mem_total() <= bv_mem_limit();
}

static source *make_source(bv_store *s, const char *key) {
  if (!s->held) s->held = bv_alloc0(BV_MEM_DERIVED, sizeof *s->held);
  source *n = s->held ? bv_alloc0(BV_MEM_DERIVED, sizeof *n) : NULL;
  if (!n) return NULL;
  n->key = bv_strdup(BV_MEM_DERIVED, key);
  if (!n->key) {
    bv_free(n);
    return NULL;
  }
  bv_map_init(&n->rows);
  n->next = s->held->first;
  s->held->first = n;
  return n;
}

/* Nothing is lost where there is no memory: the rows are read again. */
void bv_held_put(bv_store *s, const char *key, const bv_held_stamp *at, const char *asset,
                 bv_rows *rows, int64_t upto) {
  int64_t bytes = bv_rows_bytes(rows, rows->n);
  if (!at->ok || rows->other || !bv_held_room(s, bytes)) return;
  source *to = find_source(s, key);
  if (!to) to = make_source(s, key);
  bv_held_rows *h = to ? bv_alloc0(BV_MEM_DERIVED, sizeof *h) : NULL;
  if (!h) return;
  if (!same_stamp(&to->stamp, at)) drop_source(s->held, to);
  to->stamp = *at;
  bv_held_rows *old = bv_map_remove(&to->rows, asset, strlen(asset));
  if (old) let_go(s->held, old);
  if (bv_map_put(&to->rows, asset, strlen(asset), h) != BV_OK) {
    bv_free(h);
    return;
  }
  bv_rows_shrink(rows);
  *h = (bv_held_rows){.rows = *rows, .upto = upto, .bytes = bytes};
  *rows = (bv_rows){0};
  s->held->bytes += bytes;
}

bool bv_held_drop(bv_store *s) {
  bool any = false;
  for (source *at = s->held ? s->held->first : NULL; at; at = at->next) {
    any = drop_source(s->held, at) || any;
  }
  return any;
}

void bv_held_free(bv_store *s) {
  if (!s->held) return;
  bv_held_drop(s);
  while (s->held->first) {
    source *at = s->held->first;
    s->held->first = at->next;
    bv_free(at->key);
    bv_free(at);
  }
  bv_free(s->held);
  s->held = NULL;
}
