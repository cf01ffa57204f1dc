/*
** check_part.c - verifying partitions: each file as a store of its own, and what the tables say of it; see check.h.
*/
#include "data/check.h"
#include "data/partition.h"
#include "data/sql.h"
#include "data/summary.h"

static const char files[] = "barsvt_partition", rows[] = "barsvt_partition_series";

/* A file that is missing is a problem of the store like others. */
static bv_rc report_file(bv_check *c, const bv_partition *p, bv_rc rc, bv_err *why, bv_err *err) {
  if (rc == BV_IO || rc == BV_BUSY) {
    rc = bv_check_report(c, files, p->id, "%s", bv_err_text(why, rc));
    bv_err_clear(why);
    return rc;
  }
  return bv_check_damage(c, files, p->id, rc, why, err);
}

static bv_rc check_file(bv_check *c, bv_partition *p, bool *opened, bv_err *err) {
  bv_err why = {0};
  bv_rc rc = bv_partition_open(c->s, p, &why);
  *opened = rc == BV_OK;
  if (rc != BV_OK) return report_file(c, p, rc, &why, err);
  bv_check inner = {.s = p->store, .found = c->found, .ctx = c->ctx};
  return bv_check_store(&inner, err);
}

static bv_rc check_part(bv_check *c, const bv_series *series, const bv_part *p, bv_err *err) {
  bv_err why = {0};
  bv_series inner;
  bv_stats stats = {0};
  bv_rc rc = bv_part_open(c->s, series, p, &inner, &why);
  if (rc == BV_OK) rc = bv_summary_hash(inner.home, &inner, INT64_MAX, &stats, &why);
  if (rc != BV_OK) return bv_check_damage(c, rows, series->id, rc, &why, err);
  const char *wrong = stats.n != p->n                                    ? "n"
                      : stats.first != p->first || stats.last != p->last ? "first or last"
                      : stats.hash != p->hash                            ? "hash"
                                                                         : NULL;
  if (!wrong) return BV_OK;
  return bv_check_report(c, rows, series->id, "%s is not that of the bars of %s %s in %.200s",
                         wrong, series->asset, series->step_text, p->in->file);
}

/* Files that cannot be opened are reported already. */
static bv_rc check_series(bv_check *c, int64_t id, const bool *opened, const bv_partition *first,
                          bv_err *err) {
  bv_err why = {0};
  bv_series series;
  bool found;
  const bv_parts *parts = NULL;
  bv_rc rc = bv_series_by_id(c->s, id, &series, &found, &why);
  if (rc == BV_OK && !found) {
    return bv_check_report(c, rows, id, "there is no series %lld", (long long)id);
  }
  if (rc == BV_OK) rc = bv_parts_of(c->s, &series, &parts, &why);
  if (rc != BV_OK) return bv_check_damage(c, rows, id, rc, &why, err);
  for (int i = 0; parts && i < parts->n; i++) {
    if (opened[parts->at[i].in - first]) BV_TRY(check_part(c, &series, &parts->at[i], err));
  }
  return BV_OK;
}

static bv_rc walk_series(bv_check *c, const bool *opened, const bv_partition *first, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  BV_TRY(bv_store_prepare(
      c->s, "SELECT DISTINCT series FROM main.barsvt_partition_series ORDER BY 1", &st, err));
  bv_rc rc;
  while ((rc = bv_sql_row(c->s->db, st, &row, err, rows)) == BV_OK && row) {
    rc = check_series(c, sqlite3_column_int64(st, 0), opened, first, err);
    if (rc != BV_OK) break;
  }
  sqlite3_finalize(st);
  return rc;
}

bv_rc bv_check_partitions(bv_check *c, bv_err *err) {
  bv_err why = {0};
  bv_partition *p;
  int n;
  bv_rc rc = bv_partitions(c->s, &p, &n, &why);
  if (rc != BV_OK) return bv_check_damage(c, files, 0, rc, &why, err);
  if (n == 0) return BV_OK;
  bool *opened = bv_alloc0(BV_MEM_BASE, (size_t)n * sizeof *opened);
  if (!opened) return BV_NOMEM;
  for (int i = 0; i < n && rc == BV_OK; i++) rc = check_file(c, &p[i], &opened[i], err);
  if (rc == BV_OK) rc = walk_series(c, opened, p, &why);
  if (why.rc != BV_OK) rc = bv_check_damage(c, rows, 0, rc, &why, err);
  bv_free(opened);
  return rc;
}
