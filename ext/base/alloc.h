/*
** alloc.h - accounted memory.
**
** All memory of the library goes through these calls, so that the cache budget counts real bytes
** and tests can make the n-th allocation fail.  A 16-byte prefix holds size and category:
**
**      [ size : 8 | category : 4 | magic : 4 ][ user bytes ... ]
**
** Pointers are 16-byte aligned.  Counters are process-wide and atomic.
*/
#ifndef BV_BASE_ALLOC_H
#define BV_BASE_ALLOC_H

#include "base/status.h"

#include <stdint.h>

typedef enum bv_mem {
  BV_MEM_BASE = 0, /* maps, buffers, texts */
  BV_MEM_TIME,     /* zones, calendars */
  BV_MEM_WINDOW,   /* rings of stored bars */
  BV_MEM_DERIVED,  /* aggregated bars, indicator columns and their state */
  BV_MEM_CURSOR,   /* cursors and row handles */
  BV_MEM_DECODE,   /* decode buffers */
  BV_MEM_IMPORT,   /* file readers */
  BV_MEM_SIM,      /* orders, positions, ledger */
  BV_MEM_RUN,      /* drivers, results on their way to the database */
  BV_MEM_COUNT
} bv_mem;

/* n bytes, uninitialised; NULL when memory (or the test's allowance) is exhausted.  n = 0 gives a
** valid pointer. */
BV_MUST void *bv_alloc(bv_mem cat, size_t n);

/* n zero bytes. */
BV_MUST void *bv_alloc0(bv_mem cat, size_t n);

/* Resize; p may be NULL.  On failure NULL is returned and p stays valid. */
BV_MUST void *bv_realloc(bv_mem cat, void *p, size_t n);

/* Make room for one more item in a growing array: *(T **)array points to n items of `item` bytes, or is NULL for
** none.  The room doubles, so it costs no more to add many.  Failing, BV_NOMEM, leaves the array as it was. */
BV_MUST bv_rc bv_room(bv_mem cat, void *array, int64_t n, size_t item);

/* Copy of n bytes plus a terminating zero. */
BV_MUST char *bv_strndup(bv_mem cat, const char *s, size_t n);

/* Copy of a zero-terminated text; NULL gives NULL. */
BV_MUST char *bv_strdup(bv_mem cat, const char *s);

/* Release; NULL is fine. */
void bv_free(void *p);

/* Bytes in use now: of one category, and of all. */
int64_t bv_mem_used(bv_mem cat);
int64_t bv_mem_total(void);

/* The most bytes that have been in use at once; and counting that from now on. */
int64_t bv_mem_peak(void);
void bv_mem_peak_reset(void);

/* The budget: how many bytes in all the process is to stay within.  Caches give memory back when
** bv_mem_total() is above it; nothing here refuses memory because of it. */
int64_t bv_mem_limit(void);
void bv_mem_set_limit(int64_t bytes);

/* Lower-case name of a category, for the cache tables. */
const char *bv_mem_name(bv_mem cat);

/* Test hook: let n more allocations succeed, then fail once (keep = 0) or from then on (keep = 1).
** n < 0 switches the hook off. */
void bv_alloc_fail_after(int64_t n, int keep);

/* How many failures the hook has injected since it was last set. */
int64_t bv_alloc_failures(void);

#endif
