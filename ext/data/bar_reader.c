/* bar_reader.c - bars from delimited text files; see bar_reader.h. */
#include "data/bar_reader.h"
#include "data/csv_fast.h"

#include "base/text.h"
#include "data/csv_time.h"
#include "time/asset.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define SAMPLE_ROWS 20000
#define TEXT_MAX    ((size_t)16 * 1024)
#define TEN_YEARS_S (3652LL * 86400)
/* Rows of one batch where keys have to be kept for it. */
#define KEYED_ROWS ((size_t)4096)

struct bv_bar_reader {
  bv_infile *in;
  bv_csv *csv;
  bv_csv_columns columns;
  bv_csv_time time;
  bv_bar_reader_options options;
  double divisor; /* 0: multiply by price_scale */
  bv_buf text, warn;
  const char *time_kind;
  int64_t rows, rejects;
  char *keys; /* the asset keys of the current batch */
  size_t nkeys;
  const char *key; /* the last one, in keys */
  size_t nkey;
  bool plain; /* records may be read the short way */
  bv_csv_layout layout;
};

static bv_field trim(bv_field f) {
  while (f.n && (f.p[0] == ' ' || f.p[0] == '\t')) f.p++, f.n--;
  while (f.n && (f.p[f.n - 1] == ' ' || f.p[f.n - 1] == '\t')) f.n--;
  /* A quote behind a space is none for the splitter. */
  if (f.n >= 2 && f.p[0] == '"' && f.p[f.n - 1] == '"') f.p++, f.n -= 2;
  return f;
}

/* ---- opening ------------------------------------------------------------------------------- */

/* Files that people try to import and that are no delimited text. */
static bv_rc refuse_foreign(bv_infile *in, bv_err *err) {
  static const struct {
    const char *magic;
    size_t n;
    const char *text;
  } foreign[] = {
      {"PK\x03\x04", 4, "a zip archive (or a spreadsheet); unpack it or save it as CSV"},
      {"BZh9", 4, "compressed with bzip2; unpack it, or use gzip or zstd"},
      {"\xFD"
       "7zXZ",
       5, "compressed with xz; unpack it, or use gzip or zstd"},
      {"7z\xBC\xAF", 4, "a 7z archive; unpack it"},
      {"PAR1", 4, "a Parquet file; export it as CSV"},
      {"SQLite format 3", 15, "an SQLite database; attach it and INSERT from its table"},
      {"\x89HDF", 4, "an HDF5 file; export it as CSV"},
      {"DBN\x01", 4, "a DBN file, not delimited text"},
      {"DBN\x02", 4, "a DBN file, not delimited text"},
      {"DBN\x03", 4, "a DBN file, not delimited text"},
      {"\xFF\xFE", 2, "UTF-16 text; save it as UTF-8"},
      {"\xFE\xFF", 2, "UTF-16 text; save it as UTF-8"},
      {"<!DOCTYPE", 9, "an HTML page; the download answered with a web page"},
      {"<html", 5, "an HTML page; the download answered with a web page"},
      {"<?xml", 5, "an XML file"},
      {"{", 1, "JSON, not delimited text"},
      {"[", 1, "JSON, not delimited text"},
  };
  const char *p;
  size_t n;
  BV_TRY(bv_infile_peek(in, 16, &p, &n, err));
  if (n == 0) return bv_fail(err, BV_ARG, "%s: the file is empty", bv_infile_name(in));
  for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
    if (n < foreign[i].n || memcmp(p, foreign[i].magic, foreign[i].n) != 0) continue;
    return bv_fail(err, BV_ARG, "%s: this is %s", bv_infile_name(in), foreign[i].text);
  }
  return BV_OK;
}

double bv_price_divisor(double scale) {
  double whole = nearbyint(1.0 / scale);
  return whole >= 1.0 && 1.0 / whole == scale ? whole : 0.0;
}

static bv_rc check_options(bv_bar_reader *r, bv_err *err) {
  bv_bar_reader_options *o = &r->options;
  if (o->price_scale == 0.0) o->price_scale = 1.0;
  if (!isfinite(o->price_scale) || o->price_scale <= 0.0) {
    return bv_fail(err, BV_ARG, "price_scale must be a positive number");
  }
  if (o->label_end && o->step.n < 1) {
    return bv_fail(err, BV_ARG, "stamps at the end of bars need the timestep of the bars");
  }
  if (o->date_order && o->date_order != 'm' && o->date_order != 'd') {
    return bv_fail(err, BV_ARG, "date_order must be m (month first) or d (day first)");
  }
  r->divisor = bv_price_divisor(o->price_scale);
  return BV_OK;
}

static bool has_role(const bv_bar_reader *r, bv_role role) {
  return r->columns.at[role] >= 0;
}

static bv_field field_of(const bv_bar_reader *r, const bv_csv_record *rec, bv_role role) {
  return trim(rec->field[r->columns.at[role]]);
}

/* Read ahead to settle the format of the times, then go back. */
static bv_rc sample_times(bv_bar_reader *r, bool *any_row, bv_err *err) {
  bv_csv_record rec;
  bool clock = has_role(r, BV_ROLE_TIME);
  bv_csv_time_init(&r->time, r->options.tz, r->options.date_order, r->columns.clock_is_ms);
  bv_csv_mark(r->csv);
  *any_row = false;
  for (int i = 0; i < SAMPLE_ROWS; i++) {
    BV_TRY(bv_csv_next(r->csv, &rec, err));
    if (rec.nfield == 0) break;
    *any_row = true;
    if (rec.nfield < r->columns.nfield) continue;
    bv_field f = clock ? field_of(r, &rec, BV_ROLE_TIME) : (bv_field){0};
    bv_csv_time_sample(&r->time, field_of(r, &rec, BV_ROLE_TS), clock ? &f : NULL);
  }
  bv_csv_rewind(r->csv);
  return BV_OK;
}

static bv_rc warn_times(bv_bar_reader *r, bool known) {
  const bv_csv_time *t = &r->time;
  if (!known) return bv_buf_adds(&r->warn, "no time was understood in the first rows\n");
  if (t->guessed) {
    BV_TRY(bv_buf_addf(&r->warn,
                       "day and month cannot be told apart in the first rows; dates were read "
                       "%s first (set date_order to say so)\n",
                       t->day_first ? "day" : "month"));
  }
  if (t->kind == BV_CSV_TIME_EPOCH && t->unit == 1 && t->seen.latest_epoch[0] < TEN_YEARS_S) {
    BV_TRY(bv_buf_adds(&r->warn, "the times are numbers that lie before 1980; are they epochs?\n"));
  }
  bool intraday = r->options.step.n > 0 && bv_timestep_dur_s(r->options.step) > 0;
  if (intraday && !strcmp(r->time_kind, "date")) {
    BV_TRY(bv_buf_adds(&r->warn, "the bars are shorter than a day, the times are dates\n"));
  }
  return BV_OK;
}

static bv_rc learn(bv_bar_reader *r, bv_err *err) {
  const char *name = bv_infile_name(r->in);
  bv_csv_record first;
  bool any_row, wanted = false;
  BV_TRY(refuse_foreign(r->in, err));
  BV_TRY(bv_csv_open(r->in, r->options.delimiter, &r->csv, err));
  bv_csv_mark(r->csv);
  BV_TRY(bv_csv_next(r->csv, &first, err));
  if (first.nfield == 0)
    return bv_fail(err, BV_ARG, "%s: the file has no header and no rows", name);
  for (int i = 0; i < BV_ROLE_COUNT; i++) wanted |= r->options.column[i] != NULL;
  if (!bv_csv_columns_is_data(&first)) {
    BV_TRY(bv_csv_columns_match(&first, r->options.column, r->options.step.of, name, &r->columns,
                                &r->text, &r->warn, err));
  } else if (wanted) {
    return bv_fail(err, BV_ARG, "%s: columns are named in the options, but the file has no header",
                   name);
  } else {
    BV_TRY(bv_csv_columns_guess(&first, name, &r->columns, &r->text, &r->warn, err));
    bv_csv_rewind(r->csv);
  }
  BV_TRY(sample_times(r, &any_row, err));
  bool known = bv_csv_time_decide(&r->time);
  bool epoch = r->time.kind == BV_CSV_TIME_EPOCH && !has_role(r, BV_ROLE_TIME);
  r->plain = bv_csv_layout_of(&r->columns, bv_csv_delimiter(r->csv), epoch, &r->layout);
  r->time_kind = known ? bv_csv_time_text(&r->time, has_role(r, BV_ROLE_TIME)) : "none";
  return any_row ? warn_times(r, known) : bv_buf_adds(&r->warn, "no rows after the header\n");
}

bv_rc bv_bar_reader_take(bv_infile *in, const bv_bar_reader_options *options, bv_bar_reader **out,
                         bv_err *err) {
  *out = NULL;
  bv_bar_reader *r = bv_alloc0(BV_MEM_IMPORT, sizeof *r);
  if (!r) {
    bv_infile_close(in);
    return bv_fail(err, BV_NOMEM, "out of memory");
  }
  r->in = in;
  r->options = *options;
  r->time_kind = "none";
  bv_buf_init(&r->text, BV_MEM_IMPORT, TEXT_MAX);
  bv_buf_init(&r->warn, BV_MEM_IMPORT, TEXT_MAX);
  bv_rc rc = check_options(r, err);
  if (rc == BV_OK) rc = learn(r, err);
  if (rc == BV_OK && has_role(r, BV_ROLE_SYMBOL)) {
    r->keys = bv_alloc(BV_MEM_IMPORT, KEYED_ROWS * BV_ASSET_MAX);
    if (!r->keys) rc = bv_fail(err, BV_NOMEM, "out of memory");
  }
  if (rc != BV_OK) {
    bv_bar_reader_close(r);
    return rc;
  }
  memset(r->options.column, 0, sizeof r->options.column);
  *out = r;
  return BV_OK;
}

bv_rc bv_bar_reader_open(const char *path, const bv_bar_reader_options *options,
                         bv_bar_reader **out, bv_err *err) {
  bv_infile *in;
  *out = NULL;
  BV_TRY(bv_infile_open(path, &in, err));
  return bv_bar_reader_take(in, options, out, err);
}

void bv_bar_reader_close(bv_bar_reader *r) {
  if (!r) return;
  bv_csv_close(r->csv);
  bv_infile_close(r->in);
  bv_buf_reset(&r->text);
  bv_buf_reset(&r->warn);
  bv_free(r->keys);
  bv_free(r);
}

bv_bar_reader_info bv_bar_reader_info_of(const bv_bar_reader *r) {
  return (bv_bar_reader_info){.time_kind = r->time_kind,
                              .compression = bv_infile_kind_name(bv_infile_kind_of(r->in)),
                              .delimiter = bv_csv_delimiter(r->csv),
                              .header = r->columns.header,
                              .columns = bv_buf_text(&r->text),
                              .warnings = bv_buf_text(&r->warn),
                              .rows = r->rows,
                              .rejects = r->rejects};
}

/* ---- rows ---------------------------------------------------------------------------------- */

/* A cell's number: read, absent, or nonsense. */
typedef enum cell { CELL_NUMBER, CELL_ABSENT, CELL_BAD } cell;

/* Texts that mean "no value"; the last is the null price of raw Databento files (INT64_MAX). */
static bool means_absent(bv_field f) {
  static const char *const word[] = {
      "null", "nan", "na", "n/a", "none", "-", "9223372036854775807"};
  for (size_t i = 0; i < sizeof word / sizeof *word; i++) {
    if (bv_text_ieqn(f.p, f.n, word[i])) return true;
  }
  return f.n == 0;
}

static cell read_number(bv_field f, double *out) {
  double v;
  if (f.n != 19 && bv_parse_f64(f.p, f.n, &v) == BV_OK && isfinite(v)) {
    *out = v;
    return CELL_NUMBER;
  }
  *out = NAN;
  bool sentinel = f.n == 19 && means_absent(f);
  if (!sentinel && bv_parse_f64(f.p, f.n, &v) == BV_OK && isfinite(v)) {
    *out = v;
    return CELL_NUMBER;
  }
  f = trim(f);
  if (means_absent(f)) return CELL_ABSENT;
  if (f.n > 1 && f.p[0] == '$') f.p++, f.n--;
  if (bv_parse_f64(f.p, f.n, &v) != BV_OK || !isfinite(v)) return CELL_BAD;
  *out = v;
  return CELL_NUMBER;
}

static double scaled(const bv_bar_reader *r, double price) {
  if (r->divisor > 1.0) return price / r->divisor;
  return r->divisor == 0.0 ? price * r->options.price_scale : price;
}

static const char *read_price(const bv_bar_reader *r, bv_field f, bool needed, double *out,
                              const char *const text[3]) {
  switch (read_number(f, out)) {
  case CELL_BAD: return text[0];
  case CELL_ABSENT: return needed ? text[1] : NULL;
  default: break;
  }
  if (*out < 0.0 && !r->options.allow_negative) return text[2];
  *out = scaled(r, *out);
  return NULL;
}

static const char *check_prices(const bv_bar_row *row) {
  if (row->high < row->low) return "high is below low";
  if (row->open < row->low || row->open > row->high) return "open is outside low and high";
  if (row->close < row->low || row->close > row->high) return "close is outside low and high";
  return NULL;
}

static const char *read_prices(const bv_bar_reader *r, const bv_csv_record *rec, bv_bar_row *row) {
  static const char *const text[][3] = {{"open is not a number", "no open", "open is negative"},
                                        {"high is not a number", "no high", "high is negative"},
                                        {"low is not a number", "no low", "low is negative"},
                                        {"close is not a number", "no close", "close is negative"}};
  double *const to[] = {&row->open, &row->high, &row->low, &row->close};
  for (int k = 0; k < 4; k++) {
    bv_field f = rec->field[r->columns.at[BV_ROLE_OPEN + k]];
    const char *why = read_price(r, f, true, to[k], text[k]);
    if (why) return why;
  }
  return check_prices(row);
}

static const char *read_amount(const bv_bar_reader *r, const bv_csv_record *rec, bv_role role,
                               double *out) {
  static const char *const text[BV_ROLE_COUNT][2] = {
      [BV_ROLE_VOLUME] = {"volume is not a number", "volume is negative"},
      [BV_ROLE_TRADES] = {"trades is not a number", "trades is negative"},
      [BV_ROLE_OI] = {"open_interest is not a number", "open_interest is negative"}};
  *out = NAN;
  if (!has_role(r, role)) return NULL;
  cell got = read_number(rec->field[r->columns.at[role]], out);
  if (got == CELL_BAD) return text[role][0];
  return got == CELL_NUMBER && *out < 0.0 ? text[role][1] : NULL;
}

/* A price that may be absent. */
static const char *read_extra(const bv_bar_reader *r, const bv_csv_record *rec, bv_role role,
                              double *out) {
  static const char *const text[BV_ROLE_COUNT][3] = {
      [BV_ROLE_VWAP] = {"vwap is not a number", "", "vwap is negative"},
      [BV_ROLE_BID] = {"bid is not a number", "", "bid is negative"},
      [BV_ROLE_ASK] = {"ask is not a number", "", "ask is negative"}};
  *out = NAN;
  if (!has_role(r, role)) return NULL;
  return read_price(r, rec->field[r->columns.at[role]], false, out, text[role]);
}

/* Short texts are not worth a call. */
static bool same_text(const char *a, const char *b, size_t n) {
  if (n > 8) return memcmp(a, b, n) == 0;
  size_t i = 0;
  while (i < n && a[i] == b[i]) i++;
  return i == n;
}

/* Keep the key for this batch; equal neighbours share one copy. */
static const char *keep_symbol(bv_bar_reader *r, bv_field f, bv_bar_row *row) {
  if (!r->key || f.n != r->nkey || !same_text(f.p, r->key, f.n)) {
    if (f.n == 0) return "no asset key";
    if (bv_asset_check(f.p, f.n, NULL) != BV_OK) return "not a valid asset key";
    assert(f.n <= BV_ASSET_MAX && r->nkeys + f.n <= KEYED_ROWS * BV_ASSET_MAX);
    memcpy(r->keys + r->nkeys, f.p, f.n);
    r->key = r->keys + r->nkeys;
    r->nkey = f.n;
    r->nkeys += f.n;
  }
  row->symbol = r->key;
  row->nsymbol = r->nkey;
  return NULL;
}

static const char *read_symbol(bv_bar_reader *r, const bv_csv_record *rec, bv_bar_row *row) {
  row->symbol = NULL;
  row->nsymbol = 0;
  if (!has_role(r, BV_ROLE_SYMBOL)) return NULL;
  return keep_symbol(r, field_of(r, rec, BV_ROLE_SYMBOL), row);
}

/* From the stamp to the bar's open edge.  Buckets of days and longer begin where days begin, so an
** end stamp that is a day's first instant names that day, and any other lies in the bar it ends. */
static int64_t open_edge(const bv_bar_reader *r, const bv_csv_stamp *s) {
  const bv_bar_reader_options *o = &r->options;
  if (!o->label_end) return s->ts;
  int64_t length = bv_timestep_dur_s(o->step);
  return length > 0 ? s->ts - length : bv_bucket_start(o->step, r->time.zone, s->ts, NULL);
}

static void take_stamp(const bv_bar_reader *r, const bv_csv_stamp *stamp, int64_t *ts,
                       const char **why) {
  *why = NULL;
  *ts = open_edge(r, stamp);
  if (bv_instant_check(*ts, NULL) != BV_OK) *why = "the bar starts outside years 0000 to 9999";
}

static bv_rc take_time(bv_bar_reader *r, bv_field date, const bv_field *clock, int64_t line,
                       int64_t *ts, const char **why, bv_err *err) {
  bv_csv_stamp stamp;
  bv_rc rc = bv_csv_time_read(&r->time, date, clock, &stamp, why);
  if (rc == BV_CONFLICT) {
    return bv_fail(
        err, BV_ARG,
        "%s line %lld: day and month were guessed (%s first) from rows that do not tell, "
        "and this row says otherwise; set date_order to m or d",
        bv_infile_name(r->in), (long long)line, r->time.day_first ? "day" : "month");
  }
  if (rc == BV_OK) take_stamp(r, &stamp, ts, why);
  return BV_OK;
}

static bv_rc read_time(bv_bar_reader *r, const bv_csv_record *rec, int64_t *ts, const char **why,
                       bv_err *err) {
  bv_field clock = {0};
  bool two = has_role(r, BV_ROLE_TIME);
  if (two) clock = field_of(r, rec, BV_ROLE_TIME);
  return take_time(r, field_of(r, rec, BV_ROLE_TS), two ? &clock : NULL, rec->line, ts, why, err);
}

/* Excess fields are fine where they are empty: a delimiter at the end of each line. */
static bool field_count_fits(const bv_bar_reader *r, const bv_csv_record *rec) {
  if (rec->nfield < r->columns.nfield) return false;
  for (size_t i = r->columns.nfield; i < rec->nfield; i++) {
    if (rec->field[i].n > 0) return false;
  }
  return true;
}

/* Whether a quote of a file with both sides does not have this one, which is no fault. */
static bool side_absent(const bv_bar_reader *r, const bv_csv_record *rec) {
  double v;
  if (!r->columns.sided || rec->flaw || !field_count_fits(r, rec)) return false;
  for (int role = BV_ROLE_OPEN; role <= BV_ROLE_CLOSE; role++) {
    if (read_number(rec->field[r->columns.at[role]], &v) != CELL_ABSENT) return false;
  }
  return true;
}

/* Turn a record into a bar; *why is set where it is none. */
static bv_rc read_row(bv_bar_reader *r, const bv_csv_record *rec, bv_bar_row *row, const char **why,
                      bv_err *err) {
  row->line = rec->line;
  *why = rec->flaw;
  if (!*why && !field_count_fits(r, rec)) *why = "wrong number of fields";
  if (*why) return BV_OK;
  BV_TRY(read_time(r, rec, &row->ts, why, err));
  if (!*why) *why = read_prices(r, rec, row);
  if (!*why) *why = read_amount(r, rec, BV_ROLE_VOLUME, &row->volume);
  if (!*why) *why = read_amount(r, rec, BV_ROLE_TRADES, &row->trades);
  if (!*why) *why = read_amount(r, rec, BV_ROLE_OI, &row->open_interest);
  if (!*why) *why = read_extra(r, rec, BV_ROLE_VWAP, &row->vwap);
  if (!*why) *why = read_extra(r, rec, BV_ROLE_BID, &row->bid);
  if (!*why) *why = read_extra(r, rec, BV_ROLE_ASK, &row->ask);
  if (!*why) *why = read_symbol(r, rec, row);
  return BV_OK;
}

/* Length of the well-formed UTF-8 character at p, 0 where there is none. */
static size_t utf8_length(const char *p, size_t n) {
  unsigned char c = (unsigned char)p[0];
  size_t k = c >= 0xF0 && c < 0xF5 ? 4 : c >= 0xE0 && c < 0xF0 ? 3 : c >= 0xC2 && c < 0xE0 ? 2 : 0;
  if (c < 0x80) return 1;
  if (k == 0 || k > n) return 0;
  for (size_t i = 1; i < k; i++) {
    if (((unsigned char)p[i] & 0xC0) != 0x80) return 0;
  }
  return k;
}

void bv_reject_text(const char *p, size_t n, char out[BV_REJECT_RAW_MAX + 1]) {
  size_t k = 0, max = n < BV_REJECT_RAW_MAX ? n : BV_REJECT_RAW_MAX;
  while (k < max) {
    size_t len = utf8_length(p + k, max - k);
    bool control = len == 1 && ((unsigned char)p[k] < 0x20 || p[k] == 0x7f);
    if (len > 0 && !control) {
      memcpy(out + k, p + k, len);
    } else if (len == 0 && max < n && max - k < 4 && utf8_length(p + k, n - k) > 0) {
      break; /* the cut goes through a character */
    } else {
      out[k] = control && p[k] == '\t' ? ' ' : '?';
      len = 1;
    }
    k += len;
  }
  out[k] = 0;
}

static bv_rc set_aside(bv_bar_reader *r, const bv_csv_record *rec, const char *why, bv_err *err) {
  char raw[BV_REJECT_RAW_MAX + 1];
  r->rejects++;
  if (!r->options.reject) return BV_OK;
  bv_reject_text(rec->raw, rec->nraw, raw);
  return r->options.reject(r->options.reject_ctx, rec->line, raw, why, err);
}

static double optional(const bv_bar_reader *r, const bv_csv_values *v, bv_role role) {
  return has_role(r, role) ? v->number[role] : NAN;
}

static double optional_price(const bv_bar_reader *r, const bv_csv_values *v, bv_role role) {
  return has_role(r, role) ? scaled(r, v->number[role]) : NAN;
}

/* The time of a plain record; a count is no surprise, so it has no error of the file. */
static bv_rc plain_time(bv_bar_reader *r, const bv_csv_values *v, bv_bar_row *row, const char **why,
                        bv_err *err) {
  if (r->layout.epoch) {
    bv_csv_stamp stamp;
    if (bv_csv_time_count(&r->time, v->count, &stamp, why) == BV_OK)
      take_stamp(r, &stamp, &row->ts, why);
    return BV_OK;
  }
  const bv_field *clock = has_role(r, BV_ROLE_TIME) ? &v->text[BV_ROLE_TIME] : NULL;
  return take_time(r, v->text[BV_ROLE_TS], clock, row->line, &row->ts, why, err);
}

/* Make a bar of a plain record.  *taken = false: it is not a good one, and the general way finds out why. */
static bv_rc plain_row(bv_bar_reader *r, const bv_csv_values *v, bv_bar_row *row, bool *taken,
                       bv_err *err) {
  const char *why = NULL;
  *taken = false;
  BV_TRY(plain_time(r, v, row, &why, err));
  if (why) return BV_OK;
  row->open = scaled(r, v->number[BV_ROLE_OPEN]);
  row->high = scaled(r, v->number[BV_ROLE_HIGH]);
  row->low = scaled(r, v->number[BV_ROLE_LOW]);
  row->close = scaled(r, v->number[BV_ROLE_CLOSE]);
  row->volume = optional(r, v, BV_ROLE_VOLUME);
  row->trades = optional(r, v, BV_ROLE_TRADES);
  row->vwap = optional_price(r, v, BV_ROLE_VWAP);
  row->bid = optional_price(r, v, BV_ROLE_BID);
  row->ask = optional_price(r, v, BV_ROLE_ASK);
  row->open_interest = optional(r, v, BV_ROLE_OI);
  row->symbol = NULL;
  row->nsymbol = 0;
  if (check_prices(row)) return BV_OK;
  if (has_role(r, BV_ROLE_SYMBOL) && keep_symbol(r, v->text[BV_ROLE_SYMBOL], row)) return BV_OK;
  *taken = true;
  return BV_OK;
}

/* Take records the short way, up to the first that is not plain or not a good bar, of which nothing has
** happened, or up to the end of what is in the buffer. */
static bv_rc take_plain(bv_bar_reader *r, bv_bar_row *rows, size_t cap, size_t *n, bv_err *err) {
  const char *p, *at;
  int64_t line, first;
  if (!r->plain) return BV_OK;
  BV_TRY(bv_csv_ahead(r->csv, &p, &first, err));
  if (!p) return BV_OK;
  at = p;
  line = first;
  while (*n < cap) {
    bv_csv_values v;
    bool taken;
    size_t bytes = bv_csv_fast(at, &r->layout, &v);
    if (bytes == 0) break;
    rows[*n].line = line;
    BV_TRY(plain_row(r, &v, &rows[*n], &taken, err));
    if (!taken) break;
    ++*n;
    at += bytes;
    if (*at != '\n') break; /* CR, CRLF: the splitter knows */
    at++;
    line++;
  }
  bv_csv_skip(r->csv, (size_t)(at - p), line - first);
  return BV_OK;
}

bv_rc bv_bar_reader_next(bv_bar_reader *r, bv_bar_row *rows, size_t cap, size_t *n, bv_err *err) {
  assert(cap > 0);
  *n = 0;
  r->nkeys = 0;
  r->key = NULL;
  if (has_role(r, BV_ROLE_SYMBOL) && cap > KEYED_ROWS) cap = KEYED_ROWS;
  while (*n < cap) {
    bv_csv_record rec;
    const char *why;
    size_t before = *n;
    BV_TRY(take_plain(r, rows, cap, n, err));
    if (*n > before) continue;
    BV_TRY(bv_csv_next(r->csv, &rec, err));
    if (rec.nfield == 0) break;
    if (side_absent(r, &rec)) continue;
    BV_TRY(read_row(r, &rec, &rows[*n], &why, err));
    if (why) {
      BV_TRY(set_aside(r, &rec, why, err));
    } else {
      ++*n;
    }
  }
  r->rows += (int64_t)*n;
  return BV_OK;
}
