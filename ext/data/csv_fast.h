/*
** csv_fast.h - the short way through a record of plain numbers.
**
** Nearly every line of a bar file is digits, points and delimiters.  Such a record is read in one pass,
** without splitting it into fields first.  Whatever is not that plain (quotes, signs, spaces, exponents,
** empty fields, a wrong number of fields, a record not wholly in the buffer) is left to csv.h, which
** knows everything; both give the same values.
**
** Text is looked at in blocks of 64 bytes, and a field's digits eight at a time in a word, so bytes past
** the end are loaded, though never used: BV_CSV_SLACK of them must be readable behind the NUL.
*/
#ifndef BV_DATA_CSV_FAST_H
#define BV_DATA_CSV_FAST_H

#include "data/csv_columns.h"

#define BV_CSV_FAST_FIELDS 32

/* What each field of a record is. */
typedef struct bv_csv_layout {
  char delimiter;
  bool epoch; /* the times are counts */
  int nfield;
  signed char role[BV_CSV_FAST_FIELDS]; /* bv_role, or -1: passed over */
} bv_csv_layout;

/* The values of a record by role; only those of the layout are set.  Texts are borrowed. */
typedef struct bv_csv_values {
  double number[BV_ROLE_COUNT];
  bv_field text[BV_ROLE_COUNT]; /* of ts, time and symbol */
  int64_t count;                /* the time, where the layout has counts */
} bv_csv_values;

/* The layout of a file; false where it has too many fields for this way. */
bool bv_csv_layout_of(const bv_csv_columns *columns, char delimiter, bool epoch,
                      bv_csv_layout *out);

/* Read the record at p, which is followed by a NUL somewhere.  Returns its bytes without the line end,
** or 0 where it is not plain. */
size_t bv_csv_fast(const char *p, const bv_csv_layout *layout, bv_csv_values *out);

#endif
