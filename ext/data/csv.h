/*
** csv.h - streaming splitter of delimited text into records and fields.
**
** Follows RFC 4180 and what files really do: lines end in LF, CRLF or CR, also mixed; the last one
** may lack its end; a UTF-8 byte order mark is passed over; empty lines are passed over.  A field
** that begins with a double quote runs to the closing quote, may hold delimiters and line ends, and
** "" in it is one quote.  A quote anywhere else is an ordinary character.
**
** The delimiter is given, or detected: the one of , ; tab | that occurs most often outside quotes
** in the first line.
**
** What it refuses, as an error of the whole file: a NUL byte (BV_ARG: not a text file), a record
** longer than BV_CSV_LINE_MAX bytes or with more than BV_CSV_FIELDS_MAX fields (BV_LIMIT), a quote
** that is never closed (BV_ARG).  Texts name file and line.  Memory: at most about 5 MiB.
*/
#ifndef BV_DATA_CSV_H
#define BV_DATA_CSV_H

#include "data/infile.h"

#define BV_CSV_LINE_MAX   ((size_t)1 << 20)
#define BV_CSV_FIELDS_MAX ((size_t)4096)
/* How far a caller can look ahead. */
#define BV_CSV_MARK_MAX ((size_t)1 << 20)

typedef struct bv_csv bv_csv;

/* A field's bytes, without its quotes; not zero-terminated. */
typedef struct bv_field {
  const char *p;
  size_t n;
} bv_field;

/* All pointers are borrowed until the next call that moves the reader. */
typedef struct bv_csv_record {
  const bv_field *field;
  size_t nfield;   /* 0: the end of the file */
  int64_t line;    /* of the record's first character, from 1 */
  const char *raw; /* the record as it stands in the file, without its line end */
  size_t nraw;
  const char *flaw; /* what is wrong with the quoting of this record (static text), or NULL */
} bv_csv_record;

/* A splitter over `in`, which is borrowed.  delimiter 0: detect. */
BV_MUST bv_rc bv_csv_open(bv_infile *in, char delimiter, bv_csv **out, bv_err *err);

/* The next record; out->nfield = 0 at the end. */
BV_MUST bv_rc bv_csv_next(bv_csv *c, bv_csv_record *out, bv_err *err);

/* Remember the place before the next record, so that bv_csv_rewind comes back to it.  Until then
** bv_csv_next ends (nfield = 0) at the first record that begins BV_CSV_MARK_MAX bytes behind it. */
void bv_csv_mark(bv_csv *c);

/* Go back to the mark and drop it. */
void bv_csv_rewind(bv_csv *c);

/* The delimiter in use. */
char bv_csv_delimiter(const bv_csv *c);

/* NULL is fine. */
void bv_csv_close(bv_csv *c);

/* Bytes behind the text of bv_csv_ahead, and its NUL, that may be loaded. */
#define BV_CSV_SLACK 64

/* Where the next record begins: text that is NUL-terminated somewhere, and its line number; NULL at the
** end.  After bv_csv_skip the reader stands n bytes further, which must be the end of a record or the
** begin of one, and `lines` lines. */
BV_MUST bv_rc bv_csv_ahead(bv_csv *c, const char **p, int64_t *line, bv_err *err);
void bv_csv_skip(bv_csv *c, size_t n, int64_t lines);

#endif
