/*
** dbn_target.c - the series of a DBN file; see dbn_target.h.
**
** Which symbol an instrument is can change with every UTC day, so an answer is kept for one day in a
** small table indexed by a hash of instrument and publisher; an entry is simply overwritten.
*/
#include "data/dbn_target.h"

#include "data/dbn_record.h"
#include "time/asset.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RECENT_BITS 12
#define NS_PER_DAY  ((uint64_t)86400 * 1000000000)

struct bv_dbn_recent {
  bv_dbn_target *target; /* NULL: free */
  uint64_t day;          /* since 1970-01-01 */
  uint32_t instrument;
  uint16_t publisher;
};

bv_rc bv_dbn_targets_init(bv_dbn_targets *t, const bv_dbn_meta *meta, bv_err *err) {
  *t = (bv_dbn_targets){.meta = meta};
  bv_map_init(&t->by_symbol);
  bv_map_init(&t->live);
  t->recent = bv_alloc0(BV_MEM_IMPORT, sizeof *t->recent << RECENT_BITS);
  return t->recent ? BV_OK : bv_fail(err, BV_NOMEM, "out of memory");
}

static void forget_recent(bv_dbn_targets *t) {
  if (t->recent) memset(t->recent, 0, sizeof *t->recent << RECENT_BITS);
}

void bv_dbn_targets_rewind(bv_dbn_targets *t) {
  size_t at = 0;
  for (const bv_map_entry *e; (e = bv_map_next(&t->live, &at));) bv_free(e->value);
  bv_map_reset(&t->live);
  forget_recent(t);
}

void bv_dbn_targets_reset(bv_dbn_targets *t) {
  bv_dbn_targets_rewind(t);
  bv_map_reset(&t->by_symbol);
  for (bv_dbn_target *x = t->first, *after; x; x = after) {
    after = x->after;
    bv_dbn_series_reset(&x->series);
    bv_free(x->key);
    bv_free(x);
  }
  bv_free(t->recent);
  *t = (bv_dbn_targets){0};
}

static bv_rc too_many(const char *name, bv_err *err) {
  return bv_fail(err, BV_LIMIT,
                 "%s: the file has more than %zu symbols and publishers; split it by symbol", name,
                 BV_DBN_TARGETS_MAX);
}

bv_rc bv_dbn_targets_map(bv_dbn_targets *t, uint32_t instrument, const char *symbol, size_t n,
                         const char *name, bv_err *err) {
  const char *id = (const char *)&instrument;
  char *old = bv_map_find(&t->live, id, sizeof instrument);
  if (old && strlen(old) == n && memcmp(old, symbol, n) == 0) return BV_OK;
  if (!old && t->live.live >= BV_DBN_TARGETS_MAX) return too_many(name, err);
  char *copy = bv_strndup(BV_MEM_IMPORT, symbol, n);
  if (!copy || bv_map_put(&t->live, id, sizeof instrument, copy) != BV_OK) {
    bv_free(copy);
    return bv_fail(err, BV_NOMEM, "out of memory");
  }
  bv_free(old);
  forget_recent(t);
  return BV_OK;
}

/* A new target behind those of the same symbol, the first of which is `head`. */
static bv_rc add(bv_dbn_targets *t, bv_dbn_target *head, const char *symbol, uint16_t publisher,
                 bv_dbn_target **out) {
  size_t n = head ? 0 : strlen(symbol);
  bv_dbn_target *x = bv_alloc0(BV_MEM_IMPORT, sizeof *x + n + 1);
  if (!x) return BV_NOMEM;
  memcpy(x->text, symbol, n);
  x->symbol = head ? head->symbol : x->text;
  x->publisher = publisher;
  if (head) {
    x->next = head->next;
    head->next = x;
  } else if (bv_map_put(&t->by_symbol, symbol, n, x) != BV_OK) {
    bv_free(x);
    return BV_NOMEM;
  }
  if (t->last) {
    t->last->after = x;
  } else {
    t->first = x;
  }
  t->last = x;
  t->n++;
  *out = x;
  return BV_OK;
}

static bv_rc find(bv_dbn_targets *t, const char *symbol, uint16_t publisher, bv_dbn_target **out,
                  const char *name, bv_err *err) {
  bv_dbn_target *head = bv_map_find(&t->by_symbol, symbol, strlen(symbol)), *x = head;
  while (x && x->publisher != publisher) x = x->next;
  *out = x;
  if (x) return BV_OK;
  if (t->n >= BV_DBN_TARGETS_MAX) return too_many(name, err);
  bv_rc rc = add(t, head, symbol, publisher, out);
  return rc == BV_OK ? rc : bv_fail(err, rc, "out of memory");
}

static bv_rc resolve(bv_dbn_targets *t, uint32_t instrument, uint16_t publisher, uint64_t day,
                     bv_dbn_target **out, const char *name, bv_err *err) {
  char number[16];
  const char *symbol = NULL;
  if (t->live.live) {
    symbol = bv_map_find(&t->live, (const char *)&instrument, sizeof instrument);
  }
  if (!symbol) symbol = bv_dbn_meta_symbol(t->meta, instrument, (int32_t)day);
  if (symbol) return find(t, symbol, publisher, out, name, err);
  snprintf(number, sizeof number, "%" PRIu32, instrument);
  BV_TRY(find(t, number, publisher, out, name, err));
  (*out)->is_number = true;
  return BV_OK;
}

bv_rc bv_dbn_targets_find(bv_dbn_targets *t, uint32_t instrument, uint16_t publisher, uint64_t ns,
                          bv_dbn_target **out, const char *name, bv_err *err) {
  uint32_t hash = (instrument ^ (uint32_t)publisher << 20) * 2654435761u;
  bv_dbn_recent *r = &t->recent[hash >> (32 - RECENT_BITS)];
  uint64_t day = ns / NS_PER_DAY;
  if (!r->target || r->instrument != instrument || r->publisher != publisher || r->day != day) {
    bv_dbn_recent fresh = {.day = day, .instrument = instrument, .publisher = publisher};
    BV_TRY(resolve(t, instrument, publisher, day, &fresh.target, name, err));
    *r = fresh;
  }
  *out = r->target;
  return BV_OK;
}

static void venue_text(uint16_t publisher, char out[16]) {
  const char *venue = bv_dbn_venue(publisher);
  if (venue) {
    snprintf(out, 16, "@%.14s", venue);
  } else {
    snprintf(out, 16, "@%u", publisher);
  }
}

static bv_rc several_venues(const bv_dbn_target *head, const char *name, bv_err *err) {
  char one[16], other[16];
  venue_text(head->publisher, one);
  venue_text(head->next->publisher, other);
  return bv_fail(err, BV_ARG,
                 "%s: '%.80s' has rows of several venues (%s and %s): leave option venue out, and "
                 "each is an asset of its own, %.80s%s",
                 name, head->symbol, one + 1, other + 1, head->symbol, other);
}

bv_rc bv_dbn_target_key(const bv_dbn_targets *t, bv_dbn_target *x, bv_venue_keys how,
                        const char *name, bv_err *err) {
  if (x->key) return BV_OK;
  const bv_dbn_target *head = bv_map_find(&t->by_symbol, x->symbol, strlen(x->symbol));
  if (head->next && how == BV_VENUE_NEVER) return several_venues(head, name, err);
  char venue[16] = "";
  bool always = how == BV_VENUE_ALWAYS && x->publisher > 0;
  if (head->next || always) venue_text(x->publisher, venue);
  size_t room = strlen(x->symbol) + sizeof venue;
  char *key = bv_alloc(BV_MEM_IMPORT, room);
  if (!key) return bv_fail(err, BV_NOMEM, "out of memory");
  int n = snprintf(key, room, "%s%s", x->symbol, venue);
  x->key = key;
  x->nkey = bv_asset_check(key, (size_t)n, NULL) == BV_OK ? (size_t)n : 0;
  return BV_OK;
}
