/*
** inputs.h - what a run is made from, beside its configuration: table bt_input.
**
** One row per thing that can change its results, with what it was at the time of the run:
**
**      kind      name                 value
**      version   library, sqlite      the versions
**      setting   tz                   the zone of times and days
**      bars      'SPY, minute'        number and hash of the bars up to the run's last step
**      asset     'SPY'                multiplier and zone
**      properties 'SPY'               number and hash of its rows in barsvt_property, where it has any
**      actions   'SPY'                number and hash of its splits and dividends, where it has any
**      view      name                 text; of each view and virtual table that the strategy names,
**                                     and those name, and of the configuration
**      table     name                 number and hash of its rows
**      document                       text of the document that describes the run, where there is one
**      file      key                  size and hash of a file that the document names
**
** A name in the strategy's text counts if a table or view has it, so a column that is called like a table
** brings that table in; that does no harm.
*/
#ifndef BV_RUN_INPUTS_H
#define BV_RUN_INPUTS_H

#include "base/buf.h"
#include "data/store.h"

typedef struct bv_origin {
  char *kind, *name, *value;
} bv_origin;

typedef struct bv_inputs {
  bv_origin *at; /* in order of kind and name, once they are complete */
  int n;
} bv_inputs;

/* What there is to describe. */
typedef struct bv_origin_of {
  const char *version; /* of the library */
  const bv_zone *zone;
  const char *strategy; /* name of its view, which is not listed itself */
  const char *sql;      /* its text */
  const char *config;   /* names in it count too */
  const char
      *document; /* not NULL: it made the TEMP objects, which are not listed, and is itself */
} bv_origin_of;

void bv_inputs_reset(bv_inputs *in);

BV_MUST bv_rc bv_inputs_add(bv_inputs *in, const char *kind, const char *name, const char *value);

/* All but bars, as it is now. */
BV_MUST bv_rc bv_inputs_collect(bv_store *s, const bv_origin_of *of, bv_inputs *in, bv_err *err);

/* A series' bars up to an instant. */
BV_MUST bv_rc bv_inputs_bars(bv_store *s, const bv_series *series, int64_t until, bv_inputs *in,
                             bv_err *err);

/* The series that an asset of a run is matched on: its own, and the bid and the ask beside it. */
struct bv_feed_asset;
BV_MUST bv_rc bv_inputs_fed(bv_store *s, const struct bv_feed_asset *a, int64_t until,
                            bv_inputs *in, bv_err *err);

/* The same of a row of kind bars by its name; a series that is no longer stored has the value NULL. */
BV_MUST bv_rc bv_inputs_bars_named(bv_store *s, const char *name, int64_t until, bv_inputs *in,
                                   bv_err *err);

/* Add those of another list. */
BV_MUST bv_rc bv_inputs_copy(bv_inputs *in, const bv_inputs *from);

/* Sort, and drop what is there twice. */
void bv_inputs_sort(bv_inputs *in);

BV_MUST bv_rc bv_inputs_write(sqlite3 *db, int64_t run, const bv_inputs *in, bv_err *err);
BV_MUST bv_rc bv_inputs_read(sqlite3 *db, int64_t run, bv_inputs *in, bv_err *err);

#endif
