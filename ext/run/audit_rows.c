/* audit_rows.c - the rows of a view, kept to be compared; see audit_rows.h. */
#include "run/audit_rows.h"
#include "time/instant.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BYTES ((size_t)1 << 31)

void bv_audit_rows_init(bv_audit_rows *r) {
  *r = (bv_audit_rows){0};
  bv_buf_init(&r->bytes, BV_MEM_RUN, MAX_BYTES);
}

void bv_audit_rows_reset(bv_audit_rows *r) {
  bv_free(r->row);
  bv_buf_reset(&r->bytes);
  *r = (bv_audit_rows){0};
}

/* ---- reading ---- */

/* Type, then 8 bytes of a number, or the length and the bytes. */
static bv_rc add_value(bv_buf *b, sqlite3_value *v) {
  char type = (char)sqlite3_value_type(v);
  BV_TRY(bv_buf_add(b, &type, 1));
  if (type == SQLITE_NULL) return BV_OK;
  if (type == SQLITE_INTEGER) {
    int64_t i = sqlite3_value_int64(v);
    return bv_buf_add(b, &i, sizeof i);
  }
  if (type == SQLITE_FLOAT) {
    double d = sqlite3_value_double(v);
    return bv_buf_add(b, &d, sizeof d);
  }
  const void *p = type == SQLITE_TEXT ? (const void *)sqlite3_value_text(v) : sqlite3_value_blob(v);
  size_t n = (size_t)sqlite3_value_bytes(v);
  if (!p && n > 0) return BV_NOMEM;
  BV_TRY(bv_buf_add(b, &n, sizeof n));
  return n ? bv_buf_add(b, p, n) : BV_OK;
}

bv_audit_value bv_audit_value_at(const bv_audit_rows *r, size_t *at) {
  const char *p = r->bytes.p + *at;
  bv_audit_value v = {.type = *p++};
  *at += 1;
  if (v.type == SQLITE_NULL) return v;
  *at += 8;
  if (v.type == SQLITE_INTEGER) {
    memcpy(&v.i, p, sizeof v.i);
  } else if (v.type == SQLITE_FLOAT) {
    memcpy(&v.r, p, sizeof v.r);
  } else {
    memcpy(&v.n, p, sizeof v.n);
    v.text = p + sizeof v.n;
    *at += v.n;
  }
  return v;
}

static bv_rc read_known_at(sqlite3_value *v, const char *label, int64_t *out, bv_err *err) {
  bv_err why = {0};
  *out = sqlite3_value_int64(v);
  if (sqlite3_value_type(v) == SQLITE_INTEGER && bv_instant_check(*out, &why) == BV_OK)
    return BV_OK;
  const char *text = (const char *)sqlite3_value_text(v);
  return bv_fail(err, BV_ARG,
                 "%s: known_at is %s%.40s%s; it must be a whole number of epoch seconds", label,
                 text ? "'" : "", text ? text : "NULL", text ? "'" : "");
}

static bv_rc add_row(bv_audit_rows *r, sqlite3_stmt *st, const bv_audit_columns *c,
                     int64_t known_at) {
  BV_TRY(bv_room(BV_MEM_RUN, &r->row, r->n, sizeof *r->row));
  bv_audit_row row = {.known_at = known_at, .asset = r->bytes.n};
  if (c->asset >= 0 && sqlite3_column_type(st, c->asset) != SQLITE_NULL) {
    const char *asset = (const char *)sqlite3_column_text(st, c->asset);
    if (!asset) return BV_NOMEM;
    BV_TRY(bv_buf_add(&r->bytes, asset, strlen(asset) + 1));
    row.has_asset = true;
  }
  row.record = r->bytes.n;
  for (int i = 0; i < c->n; i++) {
    if (i == c->known_at || i == c->asset) continue;
    BV_TRY(add_value(&r->bytes, sqlite3_column_value(st, i)));
  }
  row.nrecord = r->bytes.n - row.record;
  r->row[r->n++] = row;
  return BV_OK;
}

/* ---- order ---- */

const char *bv_audit_asset(const bv_audit_rows *r, int64_t i) {
  return r->row[i].has_asset ? r->bytes.p + r->row[i].asset : NULL;
}

int bv_audit_key_cmp(const bv_audit_rows *a, int64_t i, const bv_audit_rows *b, int64_t j) {
  const bv_audit_row *x = &a->row[i], *y = &b->row[j];
  if (x->known_at != y->known_at) return x->known_at < y->known_at ? -1 : 1;
  if (x->has_asset != y->has_asset) return x->has_asset ? 1 : -1;
  return x->has_asset ? strcmp(a->bytes.p + x->asset, b->bytes.p + y->asset) : 0;
}

/* Whether row j may not stand before row i. */
static bool in_order(const bv_audit_rows *r, int64_t i, int64_t j) {
  int c = bv_audit_key_cmp(r, i, r, j);
  if (c != 0) return c < 0;
  const bv_audit_row *x = &r->row[i], *y = &r->row[j];
  size_t n = x->nrecord < y->nrecord ? x->nrecord : y->nrecord;
  c = memcmp(r->bytes.p + x->record, r->bytes.p + y->record, n);
  return c != 0 ? c < 0 : x->nrecord <= y->nrecord;
}

static void move_down(bv_audit_rows *r, int64_t at, int64_t n) {
  for (;;) {
    int64_t kid = 2 * at + 1;
    if (kid >= n) return;
    if (kid + 1 < n && in_order(r, kid, kid + 1)) kid++;
    if (in_order(r, kid, at)) return;
    bv_audit_row t = r->row[at];
    r->row[at] = r->row[kid];
    r->row[kid] = t;
    at = kid;
  }
}

/* Heapsort: no memory, no recursion; as a rule a view's rows are in order and nothing is moved. */
static void sort(bv_audit_rows *r) {
  int64_t i = 1;
  while (i < r->n && in_order(r, i - 1, i)) i++;
  if (i >= r->n) return;
  for (i = r->n / 2 - 1; i >= 0; i--) move_down(r, i, r->n);
  for (i = r->n - 1; i > 0; i--) {
    bv_audit_row t = r->row[0];
    r->row[0] = r->row[i];
    r->row[i] = t;
    move_down(r, 0, i);
  }
}

bv_rc bv_audit_rows_read(bv_audit_rows *r, sqlite3 *db, sqlite3_stmt *st, const bv_audit_columns *c,
                         int64_t lo, int64_t hi, const char *label, bv_err *err) {
  int row;
  r->n = 0;
  bv_buf_clear(&r->bytes);
  BV_TRY(bv_buf_reserve(&r->bytes, 1));
  bv_rc rc;
  while ((rc = bv_sql_row(db, st, &row, err, label)) == BV_OK && row) {
    int64_t known_at;
    rc = read_known_at(sqlite3_column_value(st, c->known_at), label, &known_at, err);
    if (rc == BV_OK && known_at >= lo && known_at <= hi) rc = add_row(r, st, c, known_at);
    if (rc != BV_OK) break;
  }
  sqlite3_reset(st);
  if (rc == BV_LIMIT) return bv_fail(err, rc, "%s has too many rows to compare", label);
  if (rc == BV_OK) sort(r);
  return rc;
}

/* ---- comparing ---- */

bool bv_audit_same(const bv_audit_value *a, const bv_audit_value *b, double tolerance) {
  bool numbers = (a->type == SQLITE_INTEGER || a->type == SQLITE_FLOAT) &&
                 (b->type == SQLITE_INTEGER || b->type == SQLITE_FLOAT);
  if (numbers && (a->type != b->type || tolerance > 0)) {
    double x = a->type == SQLITE_FLOAT ? a->r : (double)a->i;
    double y = b->type == SQLITE_FLOAT ? b->r : (double)b->i;
    return x == y || fabs(x - y) <= tolerance * fmax(fabs(x), fabs(y));
  }
  if (a->type != b->type) return false;
  switch (a->type) {
  case SQLITE_INTEGER: return a->i == b->i;
  case SQLITE_FLOAT: return a->r == b->r;
  case SQLITE_NULL: return true;
  default: return a->n == b->n && memcmp(a->text, b->text, a->n) == 0;
  }
}

bool bv_audit_same_record(const bv_audit_rows *a, int64_t i, const bv_audit_rows *b, int64_t j,
                          int ncolumn, double tolerance) {
  const bv_audit_row *x = &a->row[i], *y = &b->row[j];
  if (x->nrecord == y->nrecord &&
      memcmp(a->bytes.p + x->record, b->bytes.p + y->record, x->nrecord) == 0) {
    return true;
  }
  size_t p = x->record, q = y->record;
  for (int c = 0; c < ncolumn; c++) {
    bv_audit_value u = bv_audit_value_at(a, &p), v = bv_audit_value_at(b, &q);
    if (!bv_audit_same(&u, &v, tolerance)) return false;
  }
  return true;
}
