/*
** validate.h - what is doubtful about a stored series.
**
** Each problem has a class; the class says how grave it is:
**
**   price      error    a price is zero, negative, or no number
**   ohlc       error    high is below low, or open or close lies outside
**   volume     error    volume is negative or no number
**   crossed    warning  the ask is below the bid, where both are stored; told of the ask's series
**   overlap    error    a bar begins before the one before it has ended
**   duplicate  warning  the same series is stored in another database, too, where it is never read
**   jump       warning  the close moves further than `sigma` deviations from the bar before
**   outlier    warning  volume is more than `volume_sigma` deviations above the usual
**   stale      warning  `stale` bars or more with one close, and one volume or none
**   gap        info     bars are missing, by their own pattern or against a calendar (data/gap.h)
**
** The store refuses most errors when bars are written (data/bar_check.h): zero it takes, negative prices
** where an import allows them; the rest comes from other hands in its tables.
**
** Deviations are robust, of logarithms: sigma = 1.4826 * median |x - median x|.  Of closes, over all steps
** between neighbouring bars whose close changes; steps inside a local day and steps from one day to another
** are judged apart.  Of volume, over all bars that have some.  Fewer than BV_VALIDATE_LEAST values are not
** judged.
*/
#ifndef BV_DATA_VALIDATE_H
#define BV_DATA_VALIDATE_H

#include "data/store.h"

#define BV_VALIDATE_LEAST 20

typedef enum bv_problem_class {
  BV_P_PRICE,
  BV_P_OHLC,
  BV_P_VOLUME,
  BV_P_CROSSED,
  BV_P_OVERLAP,
  BV_P_DUPLICATE,
  BV_P_JUMP,
  BV_P_OUTLIER,
  BV_P_STALE,
  BV_P_GAP,
  BV_NPROBLEM
} bv_problem_class;

typedef struct bv_problem {
  bv_problem_class cls;
  int64_t ts, end;  /* first bar, and where the last one ends */
  const char *what; /* static text */
  double value;     /* what was found */
  double expected;  /* what would be usual; NaN where nothing is */
  double bound;     /* what the value should not have crossed; NaN where there is none */
  int64_t bars;     /* how many bars it is about */
} bv_problem;

typedef struct bv_validate_options {
  double sigma, volume_sigma;
  int64_t stale, gap; /* least bars of a stale run and of a gap */
  char calendar[128]; /* table of sessions that gaps are counted against; "": their own pattern */
  unsigned classes;   /* bit per class: which are looked for */
  unsigned fail;      /* bit per class: the first one found is an error */
} bv_validate_options;

extern const char *const bv_problem_name[BV_NPROBLEM + 1]; /* ended by NULL */
extern const char *const bv_problem_severity[BV_NPROBLEM];

/* Read options from JSON, NULL for none.  BV_ARG names what is wrong. */
BV_MUST bv_rc bv_validate_options_read(sqlite3 *db, const char *text, bv_validate_options *out,
                                       bv_err *err);

/* Call `found` for every problem among the bars with lo <= ts < hi that can be seen by the clock, in order of
** time.  An error of `found` ends the search and is returned.  BV_CONFLICT: a class of `fail` was met. */
BV_MUST bv_rc bv_validate(bv_store *s, const bv_series *series, int64_t lo, int64_t hi,
                          const bv_validate_options *options,
                          bv_rc (*found)(void *ctx, const bv_problem *p), void *ctx, bv_err *err);

/* The problem in words. */
void bv_problem_text(const bv_problem *p, char out[160]);

/* BV_CONFLICT with the problem's text where its class is one of `fail`. */
BV_MUST bv_rc bv_problem_fail(const bv_problem *p, const bv_series *series,
                              const bv_validate_options *options, bv_err *err);

#endif
