/* lean.c - bars in the files of LEAN; see lean.h. */
#include "data/lean.h"

#include "base/text.h"
#include "data/bar_check.h"
#include "data/csv_time.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define PARTS_MAX    8
#define TRADE_FIELDS 6
#define QUOTE_FIELDS 11
#define STAMP_LENGTH 14 /* "YYYYMMDD HH:MM" */

/* Data zone by security and market ("*": any), from LEAN's market-hours database.  Other markets have
** to be told. */
static const struct {
  const char *security, *market, *tz;
  double scale;
} place[] = {
    {"equity", "usa", "America/New_York", 1e-4},
    {"equity", "india", "Asia/Kolkata", 1e-4},
    {"crypto", "*", "UTC", 1},
    {"forex", "oanda", "UTC", 1},
    {"forex", "fxcm", "-05:00", 1},
    {"cfd", "oanda", "UTC", 1},
    {"future", "cme", "UTC", 1},
    {"future", "comex", "UTC", 1},
    {"future", "hkfe", "Asia/Hong_Kong", 1},
    {"future", "eurex", "Europe/Berlin", 1},
    {"index", "usa", "America/Chicago", 1},
};

struct bv_lean {
  bv_infile *in;
  bv_csv *csv;
  bv_csv_time time;
  bv_lean_file file;
  bv_bar_reader_options options;
  double scale, divisor;
  int64_t rows, rejects;
};

/* ---- names --------------------------------------------------------------------------------- */

static bool is_date(bv_field f) {
  int64_t t;
  bool day;
  return f.n == 8 && bv_instant_parse(f.p, f.n, NULL, &t, &day, NULL) == BV_OK && day;
}

static bv_lean_tick tick_of(bv_field f) {
  if (bv_text_ieqn(f.p, f.n, "trade")) return BV_LEAN_TRADE;
  if (bv_text_ieqn(f.p, f.n, "quote")) return BV_LEAN_QUOTE;
  return bv_text_ieqn(f.p, f.n, "openinterest") ? BV_LEAN_OI : BV_LEAN_UNSAID;
}

/* Resolutions as they stand in names and directories. */
static bool read_resolution(bv_field f, bv_lean_file *out) {
  static const struct {
    const char *name;
    bv_timestep step;
  } known[] = {{"second", {1, BV_SECOND, BV_OF_TRADES}},
               {"minute", {1, BV_MINUTE, BV_OF_TRADES}},
               {"hour", {1, BV_HOUR, BV_OF_TRADES}},
               {"daily", {1, BV_DAY, BV_OF_TRADES}}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (!bv_text_ieqn(f.p, f.n, known[i].name)) continue;
    out->step = known[i].step;
    return true;
  }
  out->ticks |= bv_text_ieqn(f.p, f.n, "tick");
  return out->ticks;
}

static bv_field last_part(const char *path) {
  const char *slash = strrchr(path, '/');
  bv_field f = {slash ? slash + 1 : path, 0};
  f.n = strlen(f.p);
  return f;
}

/* The name up to its last dot, cut at underscores. */
static size_t cut_name(const char *name, bv_field parts[PARTS_MAX], bv_field *whole) {
  bv_field f = last_part(name);
  for (size_t i = f.n; i > 1; i--) {
    if (f.p[i - 1] != '.') continue;
    f.n = i - 1;
    break;
  }
  *whole = f;
  size_t n = 0;
  for (;;) {
    const char *end = memchr(f.p, '_', f.n);
    if (!end || n == PARTS_MAX - 1) break;
    parts[n++] = (bv_field){f.p, (size_t)(end - f.p)};
    f.n -= (size_t)(end + 1 - f.p);
    f.p = end + 1;
  }
  parts[n++] = f;
  return n;
}

static bool add_part(char symbol[BV_ASSET_MAX + 1], bv_field f) {
  size_t n = strlen(symbol), need = f.n + (n > 0);
  if (f.n == 0) return true;
  if (n + need > BV_ASSET_MAX) return false;
  if (n) symbol[n++] = '_';
  memcpy(symbol + n, f.p, f.n);
  symbol[n + f.n] = 0;
  return true;
}

bool bv_lean_read_name(const char *name, bv_lean_file *out) {
  bv_field parts[PARTS_MAX], whole;
  *out = (bv_lean_file){0};
  size_t n = cut_name(name, parts, &whole), first = n > 1 && is_date(parts[0]), tick = 0;
  for (size_t i = first; i < n && !tick; i++) {
    if (i > 0 && tick_of(parts[i]) != BV_LEAN_UNSAID) tick = i;
  }
  if (!tick) return add_part(out->symbol, whole) && out->symbol[0];
  out->tick = tick_of(parts[tick]);
  if (first) {
    memcpy(out->date, parts[0].p, 8);
    out->date[8] = 0;
  }
  /* date_symbol_resolution_tick; behind the tick stand expiry and what else tells contracts apart */
  size_t end = tick;
  if (first && end > 1 && read_resolution(parts[end - 1], out)) end--;
  for (size_t i = first; i < n; i++) {
    bool tick_word =
        tick_of(parts[i]) != BV_LEAN_UNSAID || (i > tick && read_resolution(parts[i], out));
    if ((i < end || i > tick) && !tick_word && !add_part(out->symbol, parts[i])) return false;
  }
  return true;
}

/* The directory above [path, path+*n), and *n shortened to it. */
static bv_field directory_above(const char *path, size_t *n) {
  while (*n && path[*n - 1] != '/') --*n;
  while (*n && path[*n - 1] == '/') --*n;
  size_t end = *n;
  while (end && path[end - 1] != '/') end--;
  return (bv_field){path + end, *n - end};
}

static bool find_place(bv_field security, bv_field market, bv_lean_file *f) {
  for (size_t i = 0; i < sizeof place / sizeof *place; i++) {
    if (!bv_text_ieqn(security.p, security.n, place[i].security)) continue;
    if (place[i].market[0] != '*' && !bv_text_ieqn(market.p, market.n, place[i].market)) continue;
    f->placed = true;
    f->tz = place[i].tz;
    f->scale = place[i].scale;
    return true;
  }
  return false;
}

void bv_lean_read_path(const char *path, bv_lean_file *f) {
  bv_field parts[PARTS_MAX], whole;
  size_t count = cut_name(path, parts, &whole), n = strlen(path);
  if (!f->date[0] && count > 1 && is_date(parts[0])) memcpy(f->date, parts[0].p, 8);
  if (!f->tick && count > 1) f->tick = tick_of(parts[count - 1]);
  /* The resolution stands right above the file, or above the symbol's directory. */
  for (int up = 0; up < 2; up++) {
    bv_lean_file said = *f;
    bv_field resolution = directory_above(path, &n);
    if (!read_resolution(resolution, &said)) continue;
    bv_field market = directory_above(path, &n), security = directory_above(path, &n);
    if (!find_place(security, market, &said)) return;
    if (f->step.n) said.step = f->step;
    *f = said;
    return;
  }
}

static bool is_stamp(const char *p, size_t n) {
  static const char form[] = "dddddddd dd:dd";
  if (n < STAMP_LENGTH) return false;
  for (size_t i = 0; i < STAMP_LENGTH; i++) {
    bool digit = p[i] >= '0' && p[i] <= '9';
    if (form[i] == 'd' ? !digit : p[i] != form[i]) return false;
  }
  return true;
}

bool bv_lean_looks_like(const bv_lean_file *f, const char *p, size_t n) {
  if (n == 0 || p[0] < '0' || p[0] > '9') return false;
  if (f->tick || f->ticks) return true;
  if (!is_stamp(p, n)) return false;
  if (f->placed) return true;
  const char *end = memchr(p, '\n', n);
  size_t fields = 1;
  for (const char *c = p; c < (end ? end : p + n); c++) fields += *c == ',';
  return fields == TRADE_FIELDS || fields == QUOTE_FIELDS;
}

/* ---- opening ------------------------------------------------------------------------------- */

static bv_rc refuse(const bv_lean *r, bv_err *err) {
  const bv_lean_file *f = &r->file;
  const bv_bar_reader_options *o = &r->options;
  const char *name = bv_infile_name(r->in);
  if (f->ticks) {
    return bv_fail(err, BV_ARG, "%s: LEAN ticks are not bars; import minute or second files", name);
  }
  if (f->tick == BV_LEAN_OI) {
    return bv_fail(err, BV_ARG, "%s: LEAN open interest has no prices, so it makes no bars", name);
  }
  bv_timestep length = o->step;
  length.of = BV_OF_TRADES;
  if (f->step.n && o->step.n && !bv_timestep_eq(f->step, length)) {
    char has[32], asked[32];
    bv_timestep_format(f->step, has);
    bv_timestep_format(length, asked);
    return bv_fail(err, BV_ARG, "%s: this LEAN file has bars of one %s, the timestep given is '%s'",
                   name, has, asked);
  }
  bool no_tz = !f->placed && !o->tz_given, no_scale = !f->placed && o->price_scale == 0;
  if (!no_tz && !no_scale) return BV_OK;
  return bv_fail(err, BV_ARG,
                 "%s: a LEAN file outside of LEAN's directories (such as equity/usa/minute/spy); "
                 "give the options%s%s",
                 name, no_tz ? " tz (the zone of its times, for example America/New_York)" : "",
                 no_scale ? " price_scale (0.0001 for equities, 1 for others)" : "");
}

static bv_rc start_time(bv_lean *r, const bv_csv_record *first, bv_err *err) {
  const bv_zone *tz = r->options.tz;
  if (r->file.placed && !r->options.tz_given) BV_TRY(bv_zone_find(r->file.tz, &tz, err));
  bool in_day = !is_stamp(first->field[0].p, first->field[0].n);
  if (in_day && !r->file.date[0]) {
    return bv_fail(err, BV_ARG,
                   "%s: times are milliseconds of a day, but no name says which day (YYYYMMDD_...)",
                   bv_infile_name(r->in));
  }
  if (!in_day) r->file.date[0] = 0;
  bv_csv_time_init(&r->time, tz, 0, in_day);
  bv_field date = {r->file.date, 8};
  if (in_day) {
    bv_csv_time_sample(&r->time, date, &first->field[0]);
  } else {
    bv_csv_time_sample(&r->time, first->field[0], NULL);
  }
  if (bv_csv_time_decide(&r->time)) return BV_OK;
  return bv_fail(err, BV_ARG, "%s: the first field is not a time of LEAN", bv_infile_name(r->in));
}

static bv_rc learn(bv_lean *r, bv_err *err) {
  bv_csv_record first;
  BV_TRY(refuse(r, err));
  BV_TRY(bv_csv_open(r->in, ',', &r->csv, err));
  bv_csv_mark(r->csv);
  BV_TRY(bv_csv_next(r->csv, &first, err));
  if (first.nfield) BV_TRY(start_time(r, &first, err));
  if (r->file.tick == BV_LEAN_UNSAID) {
    r->file.tick = first.nfield == QUOTE_FIELDS ? BV_LEAN_QUOTE : BV_LEAN_TRADE;
  }
  if (r->options.step.of != BV_OF_TRADES && r->file.tick != BV_LEAN_QUOTE) {
    return bv_fail(err, BV_ARG, "%s: this LEAN file has bars of trades, which have no %s",
                   bv_infile_name(r->in), bv_bars_of_name(r->options.step.of));
  }
  bv_csv_rewind(r->csv);
  return BV_OK;
}

bv_rc bv_lean_open(bv_infile *in, const bv_lean_file *f, const bv_bar_reader_options *options,
                   bv_lean **out, bv_err *err) {
  *out = NULL;
  bv_lean *r = bv_alloc0(BV_MEM_IMPORT, sizeof *r);
  if (!r) {
    bv_infile_close(in);
    return bv_fail(err, BV_NOMEM, "out of memory");
  }
  r->in = in;
  r->file = *f;
  r->options = *options;
  r->scale = options->price_scale != 0 ? options->price_scale : f->placed ? f->scale : 1;
  r->divisor = bv_price_divisor(r->scale);
  bv_rc rc = learn(r, err);
  if (rc != BV_OK) {
    bv_lean_close(r);
    return rc;
  }
  *out = r;
  return BV_OK;
}

static const char *columns_of(const bv_lean *r) {
  if (r->file.tick != BV_LEAN_QUOTE) return "LEAN trade: ts, open, high, low, close, volume";
  switch (r->options.step.of) {
  case BV_OF_BID: return "LEAN quote: ts, bid open, high, low, close, size as volume; ignored: ask";
  case BV_OF_ASK: return "LEAN quote: ts, ask open, high, low, close, size as volume; ignored: bid";
  case BV_OF_TRADES:
  default:
    return "LEAN quote: ts, bid open, high, low, close, size, ask open, high, low, close, size; "
           "ignored: sizes";
  }
}

bv_bar_reader_info bv_lean_info_of(const bv_lean *r) {
  return (bv_bar_reader_info){.time_kind =
                                  r->file.date[0] ? "LEAN ms of the day" : "LEAN date-time",
                              .compression = bv_infile_kind_name(bv_infile_kind_of(r->in)),
                              .delimiter = ',',
                              .columns = columns_of(r),
                              .warnings = "",
                              .tz = r->file.placed && !r->options.tz_given ? r->file.tz : NULL,
                              .rows = r->rows,
                              .rejects = r->rejects};
}

void bv_lean_close(bv_lean *r) {
  if (!r) return;
  bv_csv_close(r->csv);
  bv_infile_close(r->in);
  bv_free(r);
}

/* ---- rows ---------------------------------------------------------------------------------- */

enum { OPEN, HIGH, LOW, CLOSE, PRICES };

static bool read_number(bv_field f, double *out) {
  return bv_parse_f64(f.p, f.n, out) == BV_OK && isfinite(*out);
}

/* Four prices as they stand in the file.  *missing: the side is empty, or all zero in a quote. */
static const char *read_side(const bv_field *f, double v[PRICES], bool *missing) {
  size_t empty = 0, zero = 0;
  for (int i = 0; i < PRICES; i++) {
    v[i] = NAN;
    if (f[i].n == 0) {
      empty++;
    } else if (!read_number(f[i], &v[i])) {
      return "a price is not a number";
    }
    zero += v[i] == 0.0;
  }
  *missing = empty == PRICES || zero == PRICES;
  return empty && empty < PRICES ? "a price is missing" : NULL;
}

static double price(const bv_lean *r, double v, double parts) {
  return r->divisor > 0 ? v / (parts * r->divisor) : v / parts * r->scale;
}

static const char *set_prices(const bv_lean *r, const double v[PRICES], double parts,
                              bv_bar_row *row) {
  row->open = price(r, v[OPEN], parts);
  row->high = price(r, v[HIGH], parts);
  row->low = price(r, v[LOW], parts);
  row->close = price(r, v[CLOSE], parts);
  if (row->low < 0 && !r->options.allow_negative) return "a price is negative";
  return bv_bar_order_problem(row->open, row->high, row->low, row->close);
}

static const char *read_trade(const bv_lean *r, const bv_csv_record *rec, bv_bar_row *row) {
  double v[PRICES];
  bool missing;
  const char *why = read_side(rec->field + 1, v, &missing);
  if (why) return why;
  if (isnan(v[OPEN])) return "a price is missing";
  if (rec->field[5].n && !read_number(rec->field[5], &row->volume)) return "volume is not a number";
  if (row->volume < 0) return "volume is negative";
  return set_prices(r, v, 1, row);
}

/* The sum of bid and ask is divided once, so that the middle is rounded once where the prices are
** whole numbers. */
static const char *read_quote(const bv_lean *r, const bv_csv_record *rec, bv_bar_row *row) {
  double bid[PRICES], ask[PRICES];
  bool no_bid, no_ask;
  const char *why = read_side(rec->field + 1, bid, &no_bid);
  if (!why) why = read_side(rec->field + 6, ask, &no_ask);
  if (why) return why;
  if (no_bid && no_ask) return "neither bid nor ask";
  if (!no_bid) {
    why = set_prices(r, bid, 1, row);
    row->bid = row->close;
  }
  if (!why && !no_ask) {
    why = set_prices(r, ask, 1, row);
    row->ask = row->close;
  }
  if (why || no_ask) {
    return why ? why : set_prices(r, bid, 1, row);
  }
  if (no_bid) return NULL;
  for (int i = 0; i < PRICES; i++) bid[i] += ask[i];
  return set_prices(r, bid, 2, row);
}

/* One side of a quote.  *none: the quote does not have it, which is no fault. */
static const char *read_quote_side(const bv_lean *r, const bv_csv_record *rec, bv_bar_row *row,
                                   bool *none) {
  const bv_field *side = rec->field + (r->options.step.of == BV_OF_BID ? 1 : 6);
  double v[PRICES];
  const char *why = read_side(side, v, none);
  if (why || *none) return why;
  if (side[PRICES].n && !read_number(side[PRICES], &row->volume)) return "size is not a number";
  if (row->volume < 0) return "size is negative";
  return set_prices(r, v, 1, row);
}

static const char *read_row(bv_lean *r, const bv_csv_record *rec, bv_bar_row *row, bool *none) {
  *none = false;
  bool quote = r->file.tick == BV_LEAN_QUOTE;
  *row = (bv_bar_row){.volume = NAN, .vwap = NAN, .trades = NAN, .bid = NAN, .ask = NAN};
  row->open_interest = NAN;
  row->line = rec->line;
  row->symbol = r->file.symbol;
  row->nsymbol = strlen(r->file.symbol);
  if (rec->flaw) return rec->flaw;
  if (rec->nfield != (quote ? QUOTE_FIELDS : TRADE_FIELDS)) return "wrong number of fields";
  bv_csv_stamp stamp;
  const char *why = NULL;
  bv_field date = {r->file.date, 8};
  bv_rc rc = r->file.date[0] ? bv_csv_time_read(&r->time, date, &rec->field[0], &stamp, &why)
                             : bv_csv_time_read(&r->time, rec->field[0], NULL, &stamp, &why);
  if (rc != BV_OK) return why ? why : "not a time";
  row->ts = stamp.ts;
  if (r->options.step.of != BV_OF_TRADES) return read_quote_side(r, rec, row, none);
  return quote ? read_quote(r, rec, row) : read_trade(r, rec, row);
}

bv_rc bv_lean_next(bv_lean *r, bv_bar_row *rows, size_t cap, size_t *n, bv_err *err) {
  assert(cap > 0);
  *n = 0;
  while (*n < cap) {
    bv_csv_record rec;
    BV_TRY(bv_csv_next(r->csv, &rec, err));
    if (rec.nfield == 0) break;
    bool none;
    const char *why = read_row(r, &rec, &rows[*n], &none);
    *n += !why && !none;
    if (!why) continue;
    r->rejects++;
    if (!r->options.reject) continue;
    char raw[BV_REJECT_RAW_MAX + 1];
    bv_reject_text(rec.raw, rec.nraw, raw);
    BV_TRY(r->options.reject(r->options.reject_ctx, rec.line, raw, why, err));
  }
  r->rows += (int64_t)*n;
  return BV_OK;
}
