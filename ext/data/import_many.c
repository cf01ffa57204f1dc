/* import_many.c - loading the files of a directory or pattern; see import.h. */
#include "data/filelist.h"
#include "data/import.h"

#define FAILURES_SHOWN 100

typedef struct many {
  bv_import_job job;
  bv_import_totals totals;
  bv_filelist files;
  size_t loaded, failed;
  bv_buf failures; /* JSON objects, comma between */
  bv_err first;    /* the first failure's */
} many;

static bv_rc note_failure(many *m, const bv_err *why, bv_rc rc) {
  if (m->failed++ == 0) m->first = *why;
  if (m->failed > FAILURES_SHOWN) return BV_OK;
  BV_TRY(bv_buf_adds(&m->failures, m->failed > 1 ? ",{\"file\":" : "{\"file\":"));
  BV_TRY(bv_buf_add_json(&m->failures, m->job.path));
  BV_TRY(bv_buf_adds(&m->failures, ",\"error\":"));
  BV_TRY(bv_buf_add_json(&m->failures, bv_err_text(why, rc)));
  return bv_buf_adds(&m->failures, "}");
}

/* Whether the trouble is the file's own, so that the next one may be fine: not one of memory, of the
** database (which has SQLite's code with it), or the user's wish to stop. */
static bool is_of_file(bv_rc rc, const bv_err *why) {
  bool other = rc == BV_NOMEM || rc == BV_BUSY || rc == BV_CORRUPT || rc == BV_INTERRUPT;
  return !other && rc != BV_INTERNAL && why->native == 0;
}

static bv_rc load_all(many *m, bv_err *err) {
  for (size_t i = 0; i < m->files.n; i++) {
    bv_err why = {0};
    m->job.path = m->files.path[i];
    bv_rc rc = bv_import_one(&m->job, &m->totals, NULL, &why);
    if (rc == BV_OK) {
      m->loaded++;
    } else if (!m->totals.stop_on_error && is_of_file(rc, &why)) {
      BV_TRY(note_failure(m, &why, rc));
    } else {
      return bv_fail_native(err, rc, why.native, "%.420s (%zu of %zu files are loaded)",
                            bv_err_text(&why, rc), m->loaded, m->files.n);
    }
  }
  if (m->loaded > 0) return BV_OK;
  return bv_fail(err, m->first.rc, "none of %zu files could be loaded; the first: %.380s",
                 m->files.n, bv_err_text(&m->first, m->first.rc));
}

static bv_rc write_summary(const many *m, bv_buf *b) {
  BV_TRY(bv_buf_addf(b, "{\"files\":%zu,\"loaded\":%zu,\"failed\":%zu,\"skipped\":%zu,", m->files.n,
                     m->loaded, m->failed, m->files.skipped));
  BV_TRY(bv_import_add_totals(b, &m->totals));
  return bv_buf_addf(b, ",\"failures\":[%s]}", bv_buf_text(&m->failures));
}

bv_rc bv_import_file(bv_store *s, const char *path, const char *asset, const char *timestep,
                     const char *options, bv_buf *summary, bv_err *err) {
  many m = {.job = {s, path, asset, timestep, options, false}};
  bv_map_init(&m.totals.assets);
  bv_buf_init(&m.failures, BV_MEM_IMPORT, 1 << 20);
  bv_rc rc = bv_filelist_make(path, &m.files, err);
  if (rc == BV_OK && !m.files.many) {
    rc = bv_import_one(&m.job, &m.totals, summary, err);
  } else if (rc == BV_OK) {
    m.job.name_symbol = true;
    rc = bv_import_check(&m.job, &m.totals, err);
    if (rc == BV_OK) rc = load_all(&m, err);
    if (rc == BV_OK) rc = write_summary(&m, summary);
  }
  bv_map_reset(&m.totals.assets);
  bv_buf_reset(&m.failures);
  bv_filelist_reset(&m.files);
  return rc;
}
