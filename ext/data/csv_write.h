/*
** csv_write.h - bars as lines of delimited text, fast.
**
** Numbers are the shortest text that reads back as the same double (base/text.h); most prices and
** volumes are decimals of few digits and are written without searching for it.
*/
#ifndef BV_DATA_CSV_WRITE_H
#define BV_DATA_CSV_WRITE_H

#include "base/alloc.h"

#include <stdbool.h>

/* Room that one number or time needs. */
#define BV_CSV_CELL_MAX 32

/* The number x, NaN as nothing; returns the end.  *places is a guess of its decimals from the number
** before, 0 at first; it changes the speed, never the text. */
char *bv_csv_put_f64(char *to, double x, int *places);

/* Whether all n numbers are k / 10^*places, k below 10^15, exactly as bv_csv_put_f64 would write them: then they are
** written faster by bv_csv_put_decimal.  *places is a guess, as above. */
bool bv_csv_decimals(const double *x, size_t n, int *places, int64_t *k);
char *bv_csv_put_decimal(char *to, int64_t k, int places);

/* A whole number. */
char *bv_csv_put_i64(char *to, int64_t x);

typedef struct bv_csv_day {
  int64_t day; /* whose text it is */
  char text[11];
  bool valid;
} bv_csv_day;

/* "2024-01-03T14:30:00Z"; day is what is kept from one call to the next, zero at first.  t is a valid
** instant of years 0000 to 9999. */
char *bv_csv_put_time(char *to, int64_t t, bv_csv_day *day);

#endif
