/*
** zone_table.c - a zone's transitions, ready for lookup; see zone_table.h.
**
** The transitions of the file are followed by those of the footer's rule, year by year, until 400
** years are covered: the Gregorian calendar, weekdays included, repeats after 400 years, so any
** later time is looked up a whole number of cycles earlier.
**
**      at:   |file ......... last|footer: year of last ... + 402|
**                                    [cycle_from - 400 y, cycle_from)  stands for all later times
**
** Lookup must be fast for times in any order and from any thread, so there is no "last one used".
** The span of the table is cut into equal pieces of 2^shift seconds (about 100 days), and guess[]
** says how many transitions lie before each; at most one or two lie inside a piece.
*/
#include "time/zone_table.h"
#include "base/alloc.h"
#include "time/instant.h"
#include "time/posix_tz.h"
#include "time/tzif.h"

#include <assert.h>
#include <string.h>

#define DAY_S       86400
#define CYCLE_YEARS 400
#define CYCLE_S     (146097LL * DAY_S)
#define GUESS_MAX   4096
/* Rule years before and after the cycle: edges may fall up to a week outside their year. */
#define RULE_YEARS (CYCLE_YEARS + 6)
#define RULE_EDGES (2 * RULE_YEARS)

static_assert(BV_TZIF_TIMES_MAX + RULE_EDGES < UINT16_MAX, "guess[] counts transitions");

static bv_rc no_memory(const char *name, bv_err *err) {
  return bv_fail(err, BV_NOMEM, "out of memory while loading zone '%s'", name);
}

void bv_zone_free(bv_zone *z) {
  if (!z) return;
  char *name = (char *)(uintptr_t)z->name;
  bv_free(name);
  bv_free(z->at);
  bv_free(z->off);
  bv_free(z->guess);
  bv_free(z);
}

/* A zone without transitions and room for `cap` of them. */
static bv_zone *zone_new(const char *name, size_t cap) {
  bv_zone *z = bv_alloc0(BV_MEM_TIME, sizeof *z);
  if (!z) return NULL;
  z->cycle_from = INT64_MAX;
  z->name = bv_strdup(BV_MEM_TIME, name);
  z->off = bv_alloc0(BV_MEM_TIME, (cap + 1) * sizeof *z->off);
  z->at = bv_alloc(BV_MEM_TIME, (cap + 1) * sizeof *z->at);
  if (z->name && z->off && z->at) return z;
  bv_zone_free(z);
  return NULL;
}

/* Append a transition.  One that changes nothing is left out, and one before all valid instants
** only sets the offset to begin with. */
static void push(bv_zone *z, int64_t at, int32_t off) {
  if (at < BV_INSTANT_MIN) {
    z->off[0] = off;
  } else if (off != z->off[z->n]) {
    z->at[z->n++] = at;
    z->off[z->n] = off;
  }
}

static void push_file(bv_zone *z, const bv_tzif *f) {
  z->off[0] = bv_tzif_offset_before(f);
  for (size_t i = 0; i < f->ntime; i++) {
    int64_t at = bv_tzif_time(f, i);
    if (at > BV_INSTANT_MAX) return;
    push(z, at, bv_tzif_offset(f, i));
  }
}

typedef struct edge {
  int64_t at;
  int step; /* +1: DST starts, -1: it ends */
} edge;

/* The edges of RULE_YEARS years in time order.  They come almost sorted: only the two of one year,
** and those near a turn of the year, may have to change places. */
static void rule_edges(const bv_posix_tz *tz, int64_t first_year, edge out[RULE_EDGES]) {
  for (int i = 0; i < RULE_EDGES; i += 2) {
    int64_t start, end;
    bv_posix_tz_edges(tz, first_year + i / 2, &start, &end);
    out[i] = (edge){start, 1};
    out[i + 1] = (edge){end, -1};
    for (int k = i; k < i + 2; k++) {
      edge e = out[k];
      int j = k;
      for (; j > 0 && out[j - 1].at > e.at; j--) out[j] = out[j - 1];
      out[j] = e;
    }
  }
}

/* Append what the rule says after instant `last`.  Counting starts and ends, rather than pairing
** them, makes rules that never leave DST ("XXX3EDT4,0/0,J365/23") come out without transitions.
** A clock that shows a time before cycle_from is never more than two days past it. */
static void push_rule(bv_zone *z, const bv_posix_tz *tz, int64_t first_year, int64_t last) {
  edge e[RULE_EDGES];
  rule_edges(tz, first_year, e);
  int dst = e[0].step < 0; /* an end that comes first had its start the year before */
  for (size_t i = 0; i < RULE_EDGES; i++) {
    dst += e[i].step;
    if (e[i].at > z->cycle_from + 2 * DAY_S) return;
    if (i + 1 < RULE_EDGES && e[i + 1].at == e[i].at) continue;
    if (e[i].at > last) push(z, e[i].at, dst > 0 ? tz->dst_s : tz->std_s);
  }
}

static int64_t year_of(int64_t t) {
  int64_t year;
  int month, day;
  bv_civil_from_days(bv_floor_div(t, DAY_S), &year, &month, &day);
  return year;
}

/* Between the last stored transition and the rule's next edge the stored offset stays, even where
** the rule says otherwise: files of some zic versions leave out a last transition that changes
** nothing but the rule (America/Ojinaga, 2022-11-30). */
static bv_rc push_footer(bv_zone *z, const bv_tzif *f, bv_err *err) {
  if (f->nfooter == 0) return BV_OK;
  bv_posix_tz tz;
  BV_TRY(bv_posix_tz_parse(f->footer, f->nfooter, &tz, err));
  int64_t last = f->ntime ? bv_tzif_time(f, f->ntime - 1) : INT64_MIN;
  if (last > BV_INSTANT_MAX) return BV_OK;
  if (f->ntime == 0) z->off[0] = tz.std_s;
  if (tz.has_dst) {
    int64_t year = year_of(last < BV_INSTANT_MIN ? BV_INSTANT_MIN : last);
    z->cycle_from = bv_days_from_civil(year + CYCLE_YEARS + 1, 1, 1) * DAY_S;
    push_rule(z, &tz, year - 3, last);
  }
  return BV_OK;
}

/* The date line is the longest way a clock can jump; buckets rely on it to grow. */
static bv_rc check_jumps(const bv_zone *z, bv_err *err) {
  for (size_t i = 0; i < z->n; i++) {
    int32_t jump = z->off[i + 1] - z->off[i];
    if (jump >= -DAY_S && jump <= DAY_S) continue;
    return bv_fail(err, BV_CORRUPT,
                   "the file is not a sound TZif file: its clock jumps by more than a day");
  }
  return BV_OK;
}

static bv_rc make_guess(bv_zone *z) {
  if (z->n == 0) return BV_OK;
  uint64_t span = (uint64_t)(z->at[z->n - 1] - z->at[0]);
  while (span >> z->shift >= GUESS_MAX) z->shift++;
  size_t n = (size_t)(span >> z->shift) + 1;
  z->guess = bv_alloc(BV_MEM_TIME, (n + 1) * sizeof *z->guess);
  if (!z->guess) return BV_NOMEM;
  size_t i = 0;
  for (size_t b = 0; b <= n; b++) {
    while (i < z->n && (uint64_t)(z->at[i] - z->at[0]) < (uint64_t)b << z->shift) i++;
    z->guess[b] = (uint16_t)i;
  }
  z->nguess = n;
  return BV_OK;
}

bv_rc bv_zone_build(const char *name, const uint8_t *tzif, size_t n, bv_zone **out, bv_err *err) {
  bv_tzif f;
  *out = NULL;
  BV_TRY(bv_tzif_view(tzif, n, &f, err));
  bv_zone *z = zone_new(name, f.ntime + RULE_EDGES);
  if (!z) return no_memory(name, err);
  push_file(z, &f);
  bv_rc rc = push_footer(z, &f, err);
  if (rc == BV_OK) rc = check_jumps(z, err);
  if (rc == BV_OK && make_guess(z) != BV_OK) rc = no_memory(name, err);
  if (rc != BV_OK) {
    bv_zone_free(z);
    return rc;
  }
  *out = z;
  return BV_OK;
}

bv_rc bv_zone_build_fixed(const char *name, int32_t off_s, bv_zone **out, bv_err *err) {
  *out = zone_new(name, 0);
  if (!*out) return no_memory(name, err);
  (*out)->off[0] = off_s;
  return BV_OK;
}

/* How many transitions lie at or before t: the index into off[].  t < cycle_from. */
static inline size_t passed(const bv_zone *z, int64_t t) {
  if (z->n == 0 || t < z->at[0]) return 0;
  uint64_t b = ((uint64_t)t - (uint64_t)z->at[0]) >> z->shift;
  if (b >= z->nguess) return z->n;
  size_t lo = z->guess[b], hi = z->guess[b + 1];
  while (lo < hi) {
    size_t mid = lo + (hi - lo) / 2;
    if (z->at[mid] <= t) {
      lo = mid + 1;
    } else {
      hi = mid;
    }
  }
  return lo;
}

/* Seconds to subtract to bring t, UTC or local, below cycle_from. */
static inline int64_t cycles_past(const bv_zone *z, int64_t t) {
  if (t < z->cycle_from) return 0;
  return (int64_t)(((uint64_t)t - (uint64_t)z->cycle_from) / CYCLE_S + 1) * CYCLE_S;
}

int32_t bv_zone_offset(const bv_zone *z, int64_t t) {
  return z->off[passed(z, t - cycles_past(z, t))];
}

int64_t bv_zone_steady(const bv_zone *z, int64_t t) {
  const int64_t back = cycles_past(z, t);
  const size_t i = passed(z, t - back);
  if (i < z->n) return z->at[i] + back;
  return z->cycle_from == INT64_MAX ? INT64_MAX : t + 1;
}

int64_t bv_zone_to_local(const bv_zone *z, int64_t t) {
  return t + bv_zone_offset(z, t);
}

/* The first transition before which the local clock has already shown `local`, or n.  All that lie
** more than the longest offset before it are passed for certain, so the search starts there. */
static inline size_t stretch_of(const bv_zone *z, int64_t local) {
  size_t i = passed(z, local - BV_TZIF_OFFSET_MAX);
  while (i < z->n) {
    int32_t larger = z->off[i] > z->off[i + 1] ? z->off[i] : z->off[i + 1];
    if (local < z->at[i] + larger) break;
    i++;
  }
  return i;
}

int64_t bv_zone_to_utc(const bv_zone *z, int64_t local, int *kind) {
  int64_t back = cycles_past(z, local);
  int64_t l = local - back;
  size_t i = stretch_of(z, l);
  if (kind) {
    *kind = 0;
    if (i < z->n && l >= z->at[i] + z->off[i]) {
      *kind = -1;
    } else if (i < z->n && l >= z->at[i] + z->off[i + 1]) {
      *kind = 1;
    }
  }
  return local - z->off[i];
}

int64_t bv_zone_reach(const bv_zone *z, int64_t local) {
  int64_t back = cycles_past(z, local);
  size_t i = stretch_of(z, local - back);
  int64_t t = local - z->off[i];
  return i < z->n && t > z->at[i] + back ? z->at[i] + back : t;
}
