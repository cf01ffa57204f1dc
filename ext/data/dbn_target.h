/*
** dbn_target.h - the series of a DBN file: one for each symbol and publisher that has rows.
*/
#ifndef BV_DATA_DBN_TARGET_H
#define BV_DATA_DBN_TARGET_H

#include "base/map.h"
#include "data/bar_reader.h"
#include "data/dbn_meta.h"
#include "data/dbn_trades.h"

#define BV_DBN_TARGETS_MAX ((size_t)1 << 20)

typedef struct bv_dbn_target bv_dbn_target;
struct bv_dbn_target {
  const char *symbol;
  bv_dbn_target *next;  /* the same symbol from another publisher */
  bv_dbn_target *after; /* in order of appearance */
  char *key;            /* for rows, made at first use; see bv_dbn_target_key */
  size_t nkey;
  bv_dbn_series series; /* of trades */
  uint16_t publisher;
  bool is_number; /* no symbol is known, this is the instrument's number */
  char text[];
};

typedef struct bv_dbn_recent bv_dbn_recent;

typedef struct bv_dbn_targets {
  const bv_dbn_meta *meta;
  bv_map by_symbol; /* -> its first target */
  bv_map live;      /* instrument (4 bytes) -> char*, from symbol-mapping records */
  bv_dbn_target *first, *last;
  size_t n;
  bv_dbn_recent *recent; /* what instruments were found to be lately */
} bv_dbn_targets;

/* meta must outlive it.  All zero is a valid argument of reset. */
BV_MUST bv_rc bv_dbn_targets_init(bv_dbn_targets *t, const bv_dbn_meta *meta, bv_err *err);
void bv_dbn_targets_reset(bv_dbn_targets *t);

/* The target of an instrument's record at that time (ns), made where there is none yet; it lives
** until reset.  name: of the file, for errors.  BV_LIMIT: more than BV_DBN_TARGETS_MAX. */
BV_MUST bv_rc bv_dbn_targets_find(bv_dbn_targets *t, uint32_t instrument, uint16_t publisher,
                                  uint64_t ns, bv_dbn_target **out, const char *name, bv_err *err);

/* From now on the instrument has this symbol (n bytes). */
BV_MUST bv_rc bv_dbn_targets_map(bv_dbn_targets *t, uint32_t instrument, const char *symbol,
                                 size_t n, const char *name, bv_err *err);

/* Forget what bv_dbn_targets_map said, to read the file once more. */
void bv_dbn_targets_rewind(bv_dbn_targets *t);

/* The asset key for rows: the symbol, or SYMBOL@VENUE, as `how` says; the publisher's number is the venue where
** it is not known; publisher 0, which is none, is named only beside others.  To be asked once all targets are known.  nkey is 0 where that is no
** valid key.  name: of the file.  BV_ARG: several publishers and BV_VENUE_NEVER. */
BV_MUST bv_rc bv_dbn_target_key(const bv_dbn_targets *t, bv_dbn_target *target, bv_venue_keys how,
                                const char *name, bv_err *err);

#endif
