/* owner.c - that a run is being executed; see owner.h. */
#define _DEFAULT_SOURCE /* flock */
#include "run/owner.h"
#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static bv_rc lock_file(const char *path, int64_t run, int *fd, bv_err *err) {
  *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (*fd < 0) {
    return bv_fail(err, BV_IO, "'%.300s' cannot be made: %s", path, strerror(errno));
  }
  if (flock(*fd, LOCK_EX | LOCK_NB) == 0) return BV_OK;
  const int why = errno;
  close(*fd);
  if (why == EWOULDBLOCK) {
    return bv_fail(err, BV_BUSY, "run %lld is being executed right now, by another connection",
                   (long long)run);
  }
  return bv_fail(err, BV_IO, "'%.300s' cannot be locked: %s", path, strerror(why));
}

bv_rc bv_owner_take(sqlite3 *db, int64_t run, bv_owner *out, bv_err *err) {
  const char *file = sqlite3_db_filename(db, "main");
  *out = (bv_owner){0};
  if (!file || !*file) return BV_OK;
  const size_t n = strlen(file) + 32;
  out->path = bv_alloc(BV_MEM_RUN, n);
  if (!out->path) return BV_NOMEM;
  snprintf(out->path, n, "%s-run%lld", file, (long long)run);
  bv_rc rc = lock_file(out->path, run, &out->fd, err);
  if (rc != BV_OK) {
    bv_free(out->path);
    out->path = NULL;
  }
  return rc;
}

void bv_owner_drop(bv_owner *o) {
  if (!o->path) return;
  unlink(o->path); /* while it is locked: nobody else's is removed */
  close(o->fd);
  bv_free(o->path);
  *o = (bv_owner){0};
}
