/*
** csv.c - streaming splitter of delimited text; see csv.h.
**
** One buffer holds the text from the record being split (or from the mark) on:
**
**      0 .. lo        given out before the mark, reusable
**      lo .. hi       text read
**      hi             a NUL byte, so that the scan needs no end test: it stops there as at any
**                     other special character and only then looks where it is
**
** A record is scanned in one pass that needs all of it in the buffer.  Where the pass runs into the
** end of the text, at least READ_MIN more bytes are read and the pass starts again at the record's
** beginning: once per buffer for ordinary lines, some thirty times for one of full length.
*/
#include "data/csv.h"

#include <assert.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define FIRST_CAP ((size_t)128 * 1024)
#define READ_MIN  ((size_t)32 * 1024)
/* A full mark, a record of full length that begins there, and room to see that it is too long. */
#define CAP_MAX (BV_CSV_MARK_MAX + BV_CSV_LINE_MAX + 4 * READ_MIN)

enum { ORDINARY = 0, SPECIAL = 1 };

struct bv_csv {
  bv_infile *in;
  char *buf;
  size_t cap, lo, hi;
  bool ended;
  char delimiter;
  bool marked;
  bool in_crlf; /* the last record ended in CR: a LF that follows belongs to it */
  size_t mark;
  bool mark_in_crlf;
  int64_t line, mark_line; /* of buf[lo], of buf[mark] */
  bv_field *field;
  size_t nfield, cap_field;
  char *scratch; /* fields whose "" had to be undone */
  size_t nscratch, cap_scratch;
  unsigned char special[256];
  size_t block;  /* the 64 bytes of buf from here on ... */
  uint64_t bits; /* ... and which of them are special; NO_BLOCK: none looked at */
};

#define NO_BLOCK SIZE_MAX

/* What one scan over a record found. */
typedef enum scan_rc { SCAN_DONE, SCAN_MORE, SCAN_FAILED } scan_rc;

typedef struct scan {
  size_t at;        /* where the scan stands */
  int64_t newlines; /* line ends inside quotes */
  const char *flaw;
} scan;

static bv_rc no_memory(bv_err *err) {
  return bv_fail(err, BV_NOMEM, "out of memory while reading a text file");
}

/* Which of 64 bytes end a field. */
static uint64_t special_bits(const bv_csv *c, const char *p) {
  uint64_t bits = 0;
#if defined(__SSE2__)
  const __m128i delimiter = _mm_set1_epi8(c->delimiter), lf = _mm_set1_epi8('\n'),
                cr = _mm_set1_epi8('\r'), nul = _mm_setzero_si128();
  for (int k = 0; k < 4; k++) {
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * k));
    __m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, delimiter), _mm_cmpeq_epi8(v, lf)),
                               _mm_or_si128(_mm_cmpeq_epi8(v, cr), _mm_cmpeq_epi8(v, nul)));
    bits |= (uint64_t)(unsigned)_mm_movemask_epi8(hit) << (16 * k);
  }
#else
  for (int k = 0; k < 64; k++) bits |= (uint64_t)c->special[(unsigned char)p[k]] << k;
#endif
  return bits;
}

/* The next special byte at or after i; the NUL behind the text stops every search. */
static size_t find_special(bv_csv *c, size_t i) {
  for (;;) {
    size_t block = i & ~(size_t)63;
    if (block != c->block) {
      c->bits = special_bits(c, c->buf + block);
      c->block = block;
    }
    uint64_t bits = c->bits >> (i - block);
    if (bits) return i + (size_t)__builtin_ctzll(bits);
    i = block + 64;
  }
}

static bool past_look_ahead(const bv_csv *c) {
  return c->marked && c->lo - c->mark >= BV_CSV_MARK_MAX;
}

/* Drop text before the record (or the mark) and read more behind it. */
static bv_rc read_more(bv_csv *c, bv_err *err) {
  c->block = NO_BLOCK;
  size_t keep = c->marked ? c->mark : c->lo;
  if (keep > 0 && c->cap - c->hi <= READ_MIN + 1) {
    memmove(c->buf, c->buf + keep, c->hi - keep);
    c->lo -= keep;
    c->hi -= keep;
    c->mark = 0;
  }
  if (c->cap - c->hi <= READ_MIN + 1) {
    size_t cap = c->cap * 2 < CAP_MAX ? c->cap * 2 : CAP_MAX;
    assert(cap > c->hi + READ_MIN + 1);
    char *p = bv_realloc(BV_MEM_IMPORT, c->buf, cap + BV_CSV_SLACK);
    if (!p) return no_memory(err);
    c->buf = p;
    c->cap = cap;
  }
  for (size_t sum = 0; sum < READ_MIN && !c->ended;) {
    size_t got = 0;
    BV_TRY(bv_infile_read(c->in, c->buf + c->hi, c->cap - c->hi - 1, &got, err));
    c->hi += got;
    c->buf[c->hi] = 0;
    c->ended = got == 0;
    sum += got;
  }
  return BV_OK;
}

static bv_rc add_field(bv_csv *c, const char *p, size_t n, bv_err *err) {
  if (c->nfield == c->cap_field) {
    if (c->nfield == BV_CSV_FIELDS_MAX) {
      return bv_fail(err, BV_LIMIT, "%s line %lld: more than %d fields", bv_infile_name(c->in),
                     (long long)c->line, (int)BV_CSV_FIELDS_MAX);
    }
    bv_field *f = bv_realloc(BV_MEM_IMPORT, c->field, 2 * c->cap_field * sizeof *f);
    if (!f) return no_memory(err);
    c->field = f;
    c->cap_field *= 2;
  }
  c->field[c->nfield++] = (bv_field){p, n};
  return BV_OK;
}

/* Room for all unquoted bytes of a record at once, so that fields already there do not move. */
static bv_rc reserve_scratch(bv_csv *c, size_t n, bv_err *err) {
  if (n <= c->cap_scratch) return BV_OK;
  bv_free(c->scratch);
  c->cap_scratch = 0;
  c->scratch = bv_alloc(BV_MEM_IMPORT, n);
  if (!c->scratch) return no_memory(err);
  c->cap_scratch = n;
  return BV_OK;
}

static size_t undouble(char *out, const char *p, size_t n) {
  size_t k = 0;
  for (size_t i = 0; i < n; i++) {
    out[k++] = p[i];
    if (p[i] == '"') i++;
  }
  return k;
}

static bv_rc add_doubled(bv_csv *c, const char *p, size_t n, bv_err *err) {
  /* nscratch = 0 means no field of this record points into the scratch yet. */
  if (c->nscratch == 0) BV_TRY(reserve_scratch(c, c->cap, err));
  char *out = c->scratch + c->nscratch;
  size_t k = undouble(out, p, n);
  c->nscratch += k;
  return add_field(c, out, k, err);
}

/* Scan the quoted field whose opening quote is at s->at, up to the delimiter or line end behind it.
** Text between the closing quote and those is a flaw and kept with the quotes. */
static scan_rc scan_quoted(bv_csv *c, scan *s, bv_rc *rc, bv_err *err) {
  const char *buf = c->buf;
  size_t open = s->at, i = open + 1;
  bool doubled = false;
  for (;; i++) {
    if (buf[i] == '"') {
      if (buf[i + 1] != '"') {
        if (i + 1 == c->hi && !c->ended) return SCAN_MORE;
        break;
      }
      doubled = true;
      i++;
    } else if (buf[i] == '\n' || (buf[i] == '\r' && buf[i + 1] != '\n')) {
      s->newlines++;
    } else if (buf[i] == 0) {
      s->at = i;
      return SCAN_MORE;
    }
  }
  size_t close = i++;
  i = find_special(c, i);
  s->at = i;
  if (buf[i] == 0 && (i < c->hi || !c->ended)) return SCAN_MORE;
  if (i > close + 1) {
    s->flaw = "text after a closing quote";
    *rc = add_field(c, buf + open, i - open, err);
  } else if (doubled) {
    *rc = add_doubled(c, buf + open + 1, close - open - 1, err);
  } else {
    *rc = add_field(c, buf + open + 1, close - open - 1, err);
  }
  return *rc == BV_OK ? SCAN_DONE : SCAN_FAILED;
}

/* Split the record that begins at c->lo.  SCAN_MORE: s->at is the NUL byte that stopped it. */
static scan_rc scan_record(bv_csv *c, scan *s, bv_rc *rc, bv_err *err) {
  const char *buf = c->buf;
  c->nfield = c->nscratch = 0;
  for (;;) {
    if (buf[s->at] == '"') {
      scan_rc r = scan_quoted(c, s, rc, err);
      if (r != SCAN_DONE) return r;
    } else {
      size_t i = s->at;
      i = find_special(c, i);
      if (buf[i] == 0 && (i < c->hi || !c->ended)) {
        s->at = i;
        return SCAN_MORE;
      }
      *rc = add_field(c, buf + s->at, i - s->at, err);
      if (*rc != BV_OK) return SCAN_FAILED;
      s->at = i;
    }
    if (buf[s->at] != c->delimiter) return SCAN_DONE;
    s->at++;
  }
}

/* A scan stopped at a NUL byte: a binary file, a record too long, or an open quote at the end. */
static bv_rc check_stop(bv_csv *c, const scan *s, bv_err *err) {
  const char *name = bv_infile_name(c->in);
  long long line = (long long)(c->line + s->newlines);
  if (s->at < c->hi && c->buf[s->at] == 0) {
    return bv_fail(err, BV_ARG, "%s line %lld: a NUL byte; this is a binary file, not text", name,
                   line);
  }
  if (c->hi - c->lo > BV_CSV_LINE_MAX) {
    return bv_fail(err, BV_LIMIT,
                   "%s line %lld: a line of more than %d bytes (or a quote that is not closed)",
                   name, (long long)c->line, (int)BV_CSV_LINE_MAX);
  }
  if (c->ended) {
    return bv_fail(err, BV_ARG, "%s line %lld: a quote is opened and never closed", name,
                   (long long)c->line);
  }
  return BV_OK;
}

/* Step over line ends, the second half of a CRLF among them, to the next record's first byte. */
static bv_rc skip_empty_lines(bv_csv *c, bv_err *err) {
  for (;;) {
    char ch = c->buf[c->lo];
    if (ch == '\n') {
      c->line += !c->in_crlf;
      c->in_crlf = false;
    } else if (ch == '\r') {
      c->line++;
      c->in_crlf = true;
    } else if (c->lo < c->hi || c->ended || past_look_ahead(c)) {
      return BV_OK;
    } else {
      BV_TRY(read_more(c, err));
      continue;
    }
    c->lo++;
  }
}

static bv_rc next_record(bv_csv *c, bv_csv_record *out, bv_err *err) {
  BV_TRY(skip_empty_lines(c, err));
  if (c->lo == c->hi || past_look_ahead(c)) return BV_OK;
  scan s;
  for (;;) {
    bv_rc rc = BV_OK;
    s = (scan){.at = c->lo};
    scan_rc r = scan_record(c, &s, &rc, err);
    if (r == SCAN_DONE) break;
    if (r == SCAN_FAILED) return rc;
    BV_TRY(check_stop(c, &s, err));
    BV_TRY(read_more(c, err));
  }
  *out = (bv_csv_record){.field = c->field,
                         .nfield = c->nfield,
                         .line = c->line,
                         .raw = c->buf + c->lo,
                         .nraw = s.at - c->lo,
                         .flaw = s.flaw};
  if (out->nraw > BV_CSV_LINE_MAX) {
    return bv_fail(err, BV_LIMIT, "%s line %lld: a line of more than %d bytes",
                   bv_infile_name(c->in), (long long)c->line, (int)BV_CSV_LINE_MAX);
  }
  c->line += s.newlines;
  c->lo = s.at;
  c->in_crlf = false;
  return BV_OK;
}

static bool is_blank(const bv_csv_record *r) {
  if (r->nfield != 1) return false;
  for (size_t i = 0; i < r->nraw; i++) {
    if (r->raw[i] != ' ' && r->raw[i] != '\t') return false;
  }
  return true;
}

bv_rc bv_csv_next(bv_csv *c, bv_csv_record *out, bv_err *err) {
  do {
    *out = (bv_csv_record){.line = c->line};
    BV_TRY(next_record(c, out, err));
  } while (is_blank(out));
  return BV_OK;
}

bv_rc bv_csv_ahead(bv_csv *c, const char **p, int64_t *line, bv_err *err) {
  BV_TRY(skip_empty_lines(c, err));
  *p = c->lo == c->hi || past_look_ahead(c) ? NULL : c->buf + c->lo;
  *line = c->line;
  return BV_OK;
}

void bv_csv_skip(bv_csv *c, size_t n, int64_t lines) {
  c->lo += n;
  c->line += lines;
  c->in_crlf = false;
}

void bv_csv_mark(bv_csv *c) {
  c->marked = true;
  c->mark = c->lo;
  c->mark_line = c->line;
  c->mark_in_crlf = c->in_crlf;
}

void bv_csv_rewind(bv_csv *c) {
  assert(c->marked);
  c->lo = c->mark;
  c->line = c->mark_line;
  c->in_crlf = c->mark_in_crlf;
  c->marked = false;
}

char bv_csv_delimiter(const bv_csv *c) {
  return c->delimiter;
}

/* The candidate that occurs most often outside quotes in the first line of what is buffered; ties
** go to the first of the list. */
static char detect_delimiter(const bv_csv *c) {
  static const char candidate[] = {',', ';', '\t', '|'};
  size_t count[sizeof candidate] = {0};
  bool quoted = false;
  for (size_t i = c->lo; i < c->hi; i++) {
    char ch = c->buf[i];
    if (ch == '"') quoted = !quoted;
    if (quoted) continue;
    if (ch == '\n' || ch == '\r') break;
    for (size_t k = 0; k < sizeof candidate; k++) count[k] += ch == candidate[k];
  }
  size_t best = 0;
  for (size_t k = 1; k < sizeof candidate; k++) {
    if (count[k] > count[best]) best = k;
  }
  return candidate[best];
}

/* Buffer the first line as far as the first buffer goes, which is enough to see its delimiter. */
static bv_rc begin(bv_csv *c, char delimiter, bv_err *err) {
  while (!c->ended && c->cap - c->hi > 2 * READ_MIN && !memchr(c->buf, '\n', c->hi)) {
    BV_TRY(read_more(c, err));
  }
  if (c->hi >= 3 && memcmp(c->buf, "\xEF\xBB\xBF", 3) == 0) c->lo = 3;
  BV_TRY(skip_empty_lines(c, err));
  c->delimiter = delimiter ? delimiter : detect_delimiter(c);
  c->special[0] = c->special['\n'] = c->special['\r'] = SPECIAL;
  c->special[(unsigned char)c->delimiter] = SPECIAL;
  c->block = NO_BLOCK;
  return BV_OK;
}

bv_rc bv_csv_open(bv_infile *in, char delimiter, bv_csv **out, bv_err *err) {
  *out = NULL;
  if (delimiter == '"' || delimiter == '\n' || delimiter == '\r') {
    return bv_fail(err, BV_ARG, "the delimiter cannot be a quote or a line end");
  }
  bv_csv *c = bv_alloc0(BV_MEM_IMPORT, sizeof *c);
  if (!c) return no_memory(err);
  c->in = in;
  c->line = 1;
  c->cap = FIRST_CAP;
  c->cap_field = 64;
  c->block = NO_BLOCK;
  c->buf = bv_alloc0(BV_MEM_IMPORT, c->cap + BV_CSV_SLACK);
  c->field = bv_alloc(BV_MEM_IMPORT, c->cap_field * sizeof *c->field);
  bv_rc rc = c->buf && c->field ? BV_OK : no_memory(err);
  if (c->buf) c->buf[0] = 0;
  if (rc == BV_OK) rc = begin(c, delimiter, err);
  if (rc != BV_OK) {
    bv_csv_close(c);
    return rc;
  }
  *out = c;
  return BV_OK;
}

void bv_csv_close(bv_csv *c) {
  if (!c) return;
  bv_free(c->buf);
  bv_free(c->field);
  bv_free(c->scratch);
  bv_free(c);
}
