/*
** zone.c - finding zones by name, and keeping them; see zone.h.
**
** One table for the process, under one lock: a zone is some 17 KB and is wanted by every connection
** alike.  Looking a zone up is rare (once per statement); what is done with it needs no lock.
*/
#include "time/zone.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/text.h"
#include "time/instant.h"
#include "time/zone_table.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The largest real file has 4 KB. */
#define FILE_MAX       ((size_t)1 << 20)
#define NAME_MAX_BYTES 128

static int32_t utc_offset[1] = {0};
static const bv_zone utc_zone = {.name = "UTC", .off = utc_offset, .cycle_from = INT64_MAX};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bv_map zones; /* name -> bv_zone, guarded by lock; never emptied */

const bv_zone *bv_zone_utc(void) {
  return &utc_zone;
}

const char *bv_zone_name(const bv_zone *z) {
  return z->name;
}

bool bv_zone_is_utc(const bv_zone *z) {
  return z->n == 0 && z->off[0] == 0;
}

/* A relative path of plain parts: nothing that could leave the zone directory. */
static bool is_safe_name(const char *name) {
  if (strlen(name) > NAME_MAX_BYTES) return false;
  for (const char *part = name;;) {
    size_t n = strcspn(part, "/");
    if (n == 0 || part[0] == '.') return false;
    for (size_t i = 0; i < n; i++) {
      char c = part[i];
      bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                   c == '_' || c == '-' || c == '+' || c == '.';
      if (!plain) return false;
    }
    if (!part[n]) return true;
    part += n + 1;
  }
}

static bv_rc not_found(const char *name, bv_err *err) {
  static const char *const known[] = {"UTC",
                                      "America/New_York",
                                      "America/Chicago",
                                      "America/Denver",
                                      "America/Toronto",
                                      "America/Sao_Paulo",
                                      "America/Los_Angeles",
                                      "Europe/London",
                                      "Europe/Paris",
                                      "Europe/Berlin",
                                      "Europe/Zurich",
                                      "Europe/Amsterdam",
                                      "Europe/Madrid",
                                      "Europe/Stockholm",
                                      "Asia/Tokyo",
                                      "Asia/Hong_Kong",
                                      "Asia/Shanghai",
                                      "Asia/Singapore",
                                      "Asia/Kolkata",
                                      "Asia/Seoul",
                                      "Asia/Taipei",
                                      "Australia/Sydney",
                                      "Africa/Johannesburg",
                                      NULL};
  const char *near = bv_nearest(name, known);
  return bv_fail(err, BV_NOTFOUND,
                 "there is no time zone '%.60s': %s%s%swrite an IANA name such as "
                 "'America/New_York', 'UTC', or an offset such as '+05:30' (zones come from $TZDIR "
                 "or /usr/share/zoneinfo; where that is missing, install the package tzdata)",
                 name, near ? "did you mean '" : "", near ? near : "", near ? "'? or " : "");
}

static bv_rc read_all(int fd, bv_buf *b) {
  struct stat st;
  if (fstat(fd, &st) != 0) return BV_IO;
  if (!S_ISREG(st.st_mode)) return BV_NOTFOUND;
  for (;;) {
    bv_rc rc = bv_buf_reserve(b, 8192);
    if (rc != BV_OK) return rc;
    ssize_t got = read(fd, b->p + b->n, 8192);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return BV_IO;
    if (got == 0) return BV_OK;
    b->n += (size_t)got;
  }
}

/* The bytes of the zone's file in one directory.  BV_NOTFOUND: it has no such file. */
static bv_rc read_file(const char *dir, const char *name, bv_buf *bytes, bv_err *err) {
  bv_buf path;
  bv_buf_init(&path, BV_MEM_TIME, 4096);
  int fd = -1;
  bv_rc rc = bv_buf_addf(&path, "%s/%s", dir, name);
  if (rc != BV_OK) goto done;
  /* O_NONBLOCK: opening a pipe that somebody left there must not hang. */
  fd = open(bv_buf_text(&path), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    bool missing = errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG || errno == ELOOP;
    rc = missing ? BV_NOTFOUND : BV_IO;
  } else {
    rc = read_all(fd, bytes);
  }
done:
  if (fd >= 0) close(fd);
  if (rc == BV_LIMIT) {
    rc = path.n ? bv_fail(err, BV_CORRUPT, "the file of zone '%s' is too large", name)
                : BV_NOTFOUND; /* $TZDIR is longer than any path */
  } else if (rc == BV_IO) {
    rc = bv_fail(err, BV_IO, "cannot read the file of zone '%s' in %.200s", name, dir);
  } else if (rc == BV_NOMEM) {
    rc = bv_fail(err, BV_NOMEM, "out of memory while loading zone '%s'", name);
  }
  bv_buf_reset(&path);
  return rc;
}

static bv_rc find_file(const char *name, bv_buf *bytes, bv_err *err) {
  static const char *const dirs[] = {"/usr/share/zoneinfo", "/usr/lib/zoneinfo",
                                     "/usr/share/lib/zoneinfo", "/etc/zoneinfo"};
  const char *tzdir = getenv("TZDIR");
  bv_rc rc = BV_NOTFOUND;
  if (tzdir && *tzdir) rc = read_file(tzdir, name, bytes, err);
  for (size_t i = 0; rc == BV_NOTFOUND && i < sizeof dirs / sizeof dirs[0]; i++) {
    rc = read_file(dirs[i], name, bytes, err);
  }
  return rc;
}

static bv_rc load(const char *name, bv_zone **out, bv_err *err) {
  int32_t off_s;
  if (bv_offset_parse(name, strlen(name), &off_s) == BV_OK) {
    return bv_zone_build_fixed(name, off_s, out, err);
  }
  if (!is_safe_name(name)) return not_found(name, err);
  bv_buf bytes;
  bv_buf_init(&bytes, BV_MEM_TIME, FILE_MAX);
  bv_rc rc = find_file(name, &bytes, err);
  if (rc == BV_NOTFOUND) rc = not_found(name, err);
  if (rc == BV_OK) {
    bv_err why = {0};
    rc = bv_zone_build(name, (const uint8_t *)bytes.p, bytes.n, out, &why);
    if (rc != BV_OK) rc = bv_fail(err, rc, "zone '%s': %s", name, bv_err_text(&why, rc));
  }
  bv_buf_reset(&bytes);
  return rc;
}

bv_rc bv_zone_find(const char *name, const bv_zone **out, bv_err *err) {
  *out = NULL;
  if (!name || !*name) return not_found("", err);
  if (bv_text_ieq(name, "UTC")) {
    *out = &utc_zone;
    return BV_OK;
  }
  size_t n = strlen(name);
  pthread_mutex_lock(&lock);
  bv_zone *z = bv_map_find(&zones, name, n);
  bv_rc rc = BV_OK;
  if (!z) {
    rc = load(name, &z, err);
    if (rc == BV_OK && bv_map_put(&zones, name, n, z) != BV_OK) {
      bv_zone_free(z);
      z = NULL;
      rc = bv_fail(err, BV_NOMEM, "out of memory while loading zone '%s'", name);
    }
  }
  pthread_mutex_unlock(&lock);
  *out = z;
  return rc;
}
