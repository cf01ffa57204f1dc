/*
** indicator.h - the table of indicators, and how one is run.
**
** An indicator is a state machine over bars: run() takes the next n bars and writes n values of
** each output, NaN where there is none yet.  The same machine serves a whole column at once and
** one bar at a time, and both give the same bits, because cutting a run into pieces changes no
** operation.  No output array may overlap an input array.
**
** Two kinds:
**   recursive  (ema, rsi, atr ...): the value depends on every bar since the first of the series;
**              it is always run from there.  window and anchor are NULL.
**   windowed   (sma, stdev, highest ...): the value depends on the last `window(params)` bars.
**              Sums that roll would still carry rounding from far back, so the owner calls
**              anchor() at positions fixed by the data (see data/derived.c): the sums are then
**              recomputed from the bars kept in the state, and no value depends on where the run
**              began.  anchor() may be called after any bar.
**
** The state is one flat block of state_size(params) bytes without pointers, aligned for a double:
** it can be copied with memcpy to make a checkpoint.
**
** A NaN input gives NaN at that bar.  Windowed: also while the bar is inside the window.
** Recursive: the bar is skipped and the state stays.  An input that is infinite or beyond
** BV_IND_HUGE in size is treated as NaN, so that no sum can overflow.
**
** A value that exists but is undefined (a ratio with denominator 0) follows the convention named in
** the indicator's formula text.
*/
#ifndef BV_CALC_INDICATOR_H
#define BV_CALC_INDICATOR_H

#include "base/status.h"

#include <stdint.h>

#define BV_IND_MAX_PARAM  6
#define BV_IND_MAX_INPUT  5
#define BV_IND_MAX_OUTPUT 7
#define BV_IND_HUGE       1e100

/* What an input slot reads.  BV_IN_REAL: the column (or expression) the caller selects, by default
** the indicator's real_default.  BV_IN_OTHER: a second one, which the caller must select.  The
** others are fixed: bar columns, (high + low + close) / 3 (as a default alone), and the local
** calendar day of the bar's start, counted from 1970-01-01. */
typedef enum bv_input {
  BV_IN_REAL = 0,
  BV_IN_OPEN,
  BV_IN_HIGH,
  BV_IN_LOW,
  BV_IN_CLOSE,
  BV_IN_VOLUME,
  BV_IN_TYPICAL,
  BV_IN_OTHER,
  BV_IN_DAY,
  BV_IN_COUNT
} bv_input;

/* Recorded results of others that an output was compared with; see tests/unit/test_ind_golden.c and
** tests/ind_check.py, which fail where a bit is set here without a comparison, or the other way
** round. */
enum {
  BV_SEEN_TALIB = 1,        /* TA-Lib's formulas, as a slow reference that was run against it */
  BV_SEEN_TULIP = 2,        /* the tests of Tulip Indicators */
  BV_SEEN_SKENDER = 4,      /* full series of Stock.Indicators */
  BV_SEEN_BACKTRADER = 8,   /* lines of backtrader */
  BV_SEEN_LEAN = 16,        /* reference files of LEAN */
  BV_SEEN_STOCKCHARTS = 32, /* worksheets of StockCharts */
  BV_SEEN_REFERENCE = 64    /* a slow form of the definition, which nobody's program confirmed */
};

/* Their names, "Tulip, LEAN"; "" for none.  False where out is too small. */
int bv_indicator_seen_text(unsigned seen, char *out, int size);

typedef struct bv_ind_param {
  const char *name;
  double def, min, max; /* where it must be given, def is an example */
  int integer;          /* 1: must be a whole number */
  int optional; /* 0: must be given in SQL, as in sma(bars, 20); 1: `def` is used when left out */
  const char *const *choice; /* names of the values min, min + 1 ..., NULL at the end; or NULL */
} bv_ind_param;

typedef struct bv_ind_output {
  const char *name; /* SQL name: "macd", "macd_signal"; unique in the table */
  const char *unit; /* "price", "percent 0..100", ... */
  const char *doc;
  unsigned seen; /* BV_SEEN_* */
} bv_ind_output;

typedef struct bv_indicator bv_indicator;

struct bv_indicator {
  const char *name;
  const char *title;   /* "Simple moving average" */
  const char *formula; /* one line, plain text */
  const char *source;  /* where the definition comes from */
  int ninput, nparam, noutput;
  bv_input input[BV_IND_MAX_INPUT];
  bv_input real_default; /* the bar column that BV_IN_REAL reads when the caller selects none */
  bv_ind_param param[BV_IND_MAX_PARAM];
  bv_ind_output output[BV_IND_MAX_OUTPUT];

  /* 0-based index of the first value on a series without NaN. */
  int64_t (*first)(const double *param);
  /* Windowed kinds: how many bars a value depends on.  NULL: recursive. */
  int64_t (*window)(const double *param);
  size_t (*state_size)(const double *param);
  void (*init)(void *state, const double *param);
  void (*anchor)(void *state);
  /* in[i] is input slot i, n values each; out[i] is output i. */
  void (*run)(const bv_indicator *self, void *state, const double *const *in, int64_t n,
              double *const *out);
  /* Where run is bv_ind_clean_run() (ind.h): some bars with every input usable; and what a bar without does to a
  ** windowed state. */
  void (*clean)(void *state, const double *const *in, int64_t n, double *const *out);
  void (*reset)(void *state);
};

/* The table, in alphabetical order; *n is its length. */
const bv_indicator *const *bv_indicators(int *n);

/* The kernels compiled for the least processor of the architecture, for x86-64-v3 and x86-64-v4; NULL where
** the processor or the build has not got them.  bv_indicators() gives the last that it has. */
typedef enum bv_ind_level { BV_LEVEL_BASE, BV_LEVEL_V3, BV_LEVEL_V4, BV_LEVEL_COUNT } bv_ind_level;
const bv_indicator *const *bv_indicators_of(bv_ind_level level, int *n);

/* The indicator that has an output of that SQL name (in any case); *output is its number.
** NULL: none, *output untouched. */
const bv_indicator *bv_indicator_find(const char *name, int *output);

/* The name of the closest output, for error texts, or NULL. */
const char *bv_indicator_nearest(const char *name);

/* The number of a name among the parameter's choices, in any case; NAN where it is none. */
double bv_indicator_choice(const bv_ind_param *p, const char *name);

/* Their list, "day, week, month". */
void bv_indicator_choices(const bv_ind_param *p, char *out, size_t size);

/* The name of an input slot: "x" for the one selected, "open" ..., "ts"; of two selected ones "x" is the
** one measured against, "y" the one measured. */
const char *bv_indicator_input_name(const bv_indicator *ind, int slot);

/* Fill param[] from `given` values (n of them; NaN or missing = default) and check every range.
** BV_ARG names the indicator, the parameter, the value and the allowed range; it is also the answer
** when a parameter that is not optional is missing, or when more are given than there are. */
BV_MUST bv_rc bv_indicator_params(const bv_indicator *ind, const double *given, int n,
                                  double param[BV_IND_MAX_PARAM], bv_err *err);

#endif
