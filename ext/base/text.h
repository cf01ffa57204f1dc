/*
** text.h - numbers from text, names, and the nearest name to a misspelt one.
**
** No function here depends on the process's locale.
*/
#ifndef BV_BASE_TEXT_H
#define BV_BASE_TEXT_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* Equal but for the case of ASCII letters. */
bool bv_text_ieq(const char *a, const char *b);
bool bv_text_ieqn(const char *a, size_t na, const char *b);

/* The whole of [p, p+n) as a decimal integer with optional sign.  BV_ARG: not a number; BV_RANGE:
** does not fit. */
BV_MUST bv_rc bv_parse_i64(const char *p, size_t n, int64_t *out);

/* The whole of [p, p+n) as a decimal floating-point number, correctly rounded.  Also "nan", "inf"
** and "infinity" in any case, with sign; overflow gives infinity.  BV_ARG: not a number,
** or 128 bytes and more; white space is not passed over. */
BV_MUST bv_rc bv_parse_f64(const char *p, size_t n, double *out);

/* A text with no more than 17 digits and no digit too many that reads back as exactly x ("0.1",
** "1e+300", "nan"). */
void bv_format_f64(double x, char out[32]);

/* The name of list (ended by NULL) that is closest to `word`, or NULL where none is close enough to
** be worth suggesting. */
const char *bv_nearest(const char *word, const char *const *list);

/* The same with at most so many letters changed, added or left out. */
const char *bv_nearest_within(const char *word, const char *const *list, int most);

#endif
