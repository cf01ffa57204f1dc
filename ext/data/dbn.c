/*
** dbn.c - bars from DBN files; see dbn.h.
**
** A file is read twice.  The first reading checks every record and learns what the second must know
** before it gives out its first row: which publishers a symbol has, how late trades come, and in
** files that mix kinds of records which of them to use.
*/
#include "data/dbn.h"

#include "base/text.h"
#include "data/dbn_meta.h"
#include "data/dbn_record.h"
#include "data/dbn_stream.h"
#include "data/dbn_target.h"
#include "data/dbn_trades.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define TEXT_MAX ((size_t)16 * 1024)
/* Records between two looks at whether the user wants to go on; a power of two. */
#define TELL 65536

/* Which records give rows. */
typedef struct plan {
  bv_dbn_kind kind; /* BV_DBN_BARS or BV_DBN_TRADES; BV_DBN_UNKNOWN: none do; of quotes: theirs */
  uint8_t rtype;
  bool old_bars; /* and those of bars whose length the schema says */
  bool every;    /* each of them is a trade */
} plan;

typedef struct bv_dbn {
  char *path;   /* to open the file again; NULL: it is in spool */
  char *name;   /* for messages */
  bv_buf spool; /* the decoded file */
  const char *compression;
  bv_timestep step;
  bv_reject_fn reject;
  void *reject_ctx;
  bv_venue_keys venue;
  bv_tell_fn tell;
  void *tell_ctx;
  bv_dbn_stream in;
  bv_dbn_meta meta;
  plan plan;
  bv_dbn_targets targets;
  bv_dbn_trades trades;
  bv_dbn_target *due; /* has bars that may be finished */
  bool flushing;      /* the file has ended: everything is finished */
  int64_t rows, rejects;
  int64_t of_type[256]; /* records by rtype, of the reading that goes on */
  int64_t nameless;     /* rows of instruments without a symbol */
  uint32_t nameless_first;
  char message[BV_REJECT_RAW_MAX + 1]; /* the first error the file tells of */
  bv_buf columns, warnings;
} bv_dbn;

/* ---- is it for this reader? ---------------------------------------------------------------- */

static bool ends_in(const char *text, size_t n, const char *end) {
  size_t k = strlen(end);
  return n >= k && bv_text_ieqn(text + n - k, k, end);
}

static bool has_dbn_name(const char *path) {
  static const char *const wrapper[] = {".zst", ".gz", ".frag"};
  size_t n = strlen(path);
  for (size_t round = 0; round < 2; round++) {
    for (size_t i = 0; i < sizeof wrapper / sizeof *wrapper; i++) {
      if (ends_in(path, n, wrapper[i])) n -= strlen(wrapper[i]);
    }
  }
  return ends_in(path, n, ".dbn") || ends_in(path, n, ".dbz");
}

static bool is_regular(const char *path) {
  struct stat st;
  return path && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* DBZ is a zstd frame to be skipped, with a head of its own inside, so only the raw bytes tell. */
static bool is_dbz(const char *path) {
  unsigned char raw[12];
  if (!is_regular(path)) return false;
  FILE *f = fopen(path, "rb");
  if (!f) return false;
  size_t n = fread(raw, 1, sizeof raw, f);
  fclose(f);
  return n == sizeof raw && (raw[0] & 0xF0) == 0x50 && memcmp(raw + 1, "\x2A\x4D\x18", 3) == 0 &&
         memcmp(raw + 8, "DBZ", 3) == 0;
}

bool bv_dbn_claims(const char *path, const char *p, size_t n) {
  bool magic = n >= 4 && memcmp(p, "DBN", 3) == 0 && (unsigned char)p[3] < '\t';
  return magic || (path && (has_dbn_name(path) || is_dbz(path)));
}

static bv_rc refuse(const bv_dbn *r, const char *what, bv_err *err) {
  return bv_fail(err, BV_ARG, "%s: %s", r->name, what);
}

/* Files that are called DBN and are not, or that are of a kind nobody can import. */
static bv_rc refuse_foreign(const bv_dbn *r, bv_infile *in, const char *path, bv_err *err) {
  const char *p;
  size_t n;
  if (is_dbz(path)) {
    return refuse(r,
                  "this is the legacy DBZ format, which DBN replaced in 2023; download "
                  "the data again as DBN",
                  err);
  }
  if (bv_infile_kind_of(in) == BV_INFILE_GZIP) {
    return refuse(r, "DBN files are plain or compressed with zstd, and this is gzip; unpack it",
                  err);
  }
  BV_TRY(bv_infile_peek(in, 16, &p, &n, err));
  if (n == 0) return refuse(r, "the file is empty", err);
  if (n < 3 || memcmp(p, "DBN", 3) == 0) return BV_OK;
  if (p[0] == '{' || p[0] == '[') {
    return refuse(
        r, "this is JSON, not DBN; it may be the server's answer to a request that failed", err);
  }
  if (p[0] == '<') {
    return refuse(r,
                  "this is a web page, not DBN; it may be the server's answer to a request that "
                  "failed",
                  err);
  }
  if (n == 16 && (memcmp(p, "ts_event,", 9) == 0 || memcmp(p, "ts_recv,", 8) == 0)) {
    return refuse(r, "this is CSV, not DBN; give the file a name in .csv", err);
  }
  if (n >= 2 && bv_dbn_type_of((uint8_t)p[1])->kind != BV_DBN_UNKNOWN &&
      bv_dbn_bytes((const uint8_t *)p) >= BV_DBN_HEADER) {
    return refuse(r,
                  "this is not a DBN file; if it is a fragment of one (records without the "
                  "metadata before them), import the whole file",
                  err);
  }
  return refuse(r, "this is not a DBN file", err);
}

/* ---- what gives rows ----------------------------------------------------------------------- */

static bv_rc wrong_step(const bv_dbn *r, const char *schema, bv_timestep has, bv_err *err) {
  char is[32], asked[32];
  bv_timestep_format(has, is);
  bv_timestep_format(r->step, asked);
  return bv_fail(err, BV_ARG,
                 "%s: the file holds bars of timestep '%s' (schema %s), not '%s'; import them as "
                 "'%s' and read longer ones with bars_agg()",
                 r->name, is, schema, asked, is);
}

static bv_rc need_step(const bv_dbn *r, bv_err *err) {
  return bv_fail(err, BV_ARG, "%s: %s need the timestep of the bars to make of them", r->name,
                 r->step.of == BV_OF_TRADES ? "trades" : "quotes");
}

/* Bars of the bid or of the ask. */
static bool of_quotes(const bv_dbn *r) {
  return r->step.of != BV_OF_TRADES;
}

/* Records that are neither bars nor trades. */
static bv_rc no_trades(const bv_dbn *r, const char *what, const bv_dbn_type *t, bv_err *err) {
  if (!t->quotes) {
    return bv_fail(err, BV_ARG,
                   "%s: the file holds records of %s, which are neither bars nor trades", r->name,
                   what);
  }
  bv_timestep bid = t->step, ask = t->step;
  char text[2][32];
  bid.of = BV_OF_BID;
  ask.of = BV_OF_ASK;
  bv_timestep_format(bid, text[0]);
  bv_timestep_format(ask, text[1]);
  return bv_fail(
      err, BV_ARG,
      "%s: the file holds records of %s, which are quotes; import them as '%s' and as '%s'",
      r->name, what, text[0], text[1]);
}

/* Samples make no bars that are shorter than the time between them. */
static bv_rc too_short(const bv_dbn *r, const bv_dbn_type *t, bv_err *err) {
  bv_timestep step = t->step;
  char text[32];
  step.of = r->step.of;
  bv_timestep_format(step, text);
  return bv_fail(err, BV_ARG,
                 "%s: the file holds samples of quotes (%s), for bars of '%s' and longer", r->name,
                 t->name, text);
}

static bool is_shorter(bv_timestep a, bv_timestep b) {
  return b.n > 0 && bv_timestep_nominal_s(a) < bv_timestep_nominal_s(b);
}

static bv_rc plan_of_quotes(bv_dbn *r, const bv_dbn_schema *s, bv_err *err) {
  const bv_dbn_type *t = bv_dbn_type_of(s->rtype);
  if (!t->quotes) {
    return bv_fail(
        err, BV_ARG,
        "%s: the file holds records of schema %s, which have no %s; mbp-1, mbp-10, tbbo and bbo "
        "do",
        r->name, s->name, bv_bars_of_name(r->step.of));
  }
  if (r->step.n < 1) return need_step(r, err);
  r->plan = (plan){.kind = t->kind, .rtype = s->rtype};
  return is_shorter(r->step, t->step) ? too_short(r, t, err) : BV_OK;
}

static bv_rc plan_of_schema(bv_dbn *r, const bv_dbn_schema *s, bv_err *err) {
  const bv_dbn_type *t = bv_dbn_type_of(s->rtype);
  char what[64];
  if (of_quotes(r)) return plan_of_quotes(r, s, err);
  snprintf(what, sizeof what, "schema %s", s->name);
  if (!s->rows) return no_trades(r, what, t, err);
  r->plan = (plan){t->kind, s->rtype, t->kind == BV_DBN_BARS, s->every};
  if (t->kind == BV_DBN_TRADES) return r->step.n > 0 ? BV_OK : need_step(r, err);
  bool fits = r->step.n < 1 || bv_timestep_eq(r->step, t->step);
  return fits ? BV_OK : wrong_step(r, s->name, t->step, err);
}

static bv_rc no_rows(const bv_dbn *r, bv_err *err) {
  if (r->of_type[BV_DBN_RTYPE_BARS] > 0) {
    return bv_fail(err, BV_ARG, "%s: the file holds bars and does not say of what length", r->name);
  }
  for (int i = 0; i < 256; i++) {
    const bv_dbn_type *t = bv_dbn_type_of((uint8_t)i);
    if (r->of_type[i] == 0 || t->kind != BV_DBN_OTHER) continue;
    char what[64];
    snprintf(what, sizeof what, "kind %s", t->name);
    return no_trades(r, what, t, err);
  }
  return BV_OK;
}

/* The same for bars of quotes: the finest samples that are fine enough, else the least deep book, else that at trades. */
static bv_rc plan_of_quote_counts(bv_dbn *r, bv_err *err) {
  static const uint8_t order[] = {0xC3, 0xC0, 0xC4, 0xC1, 0x01, 0xB1, 0x0A, 0xC2};
  const bv_dbn_type *samples = NULL;
  if (r->step.n < 1) return need_step(r, err);
  for (size_t i = 0; i < sizeof order; i++) {
    const bv_dbn_type *t = bv_dbn_type_of(order[i]);
    if (r->of_type[order[i]] == 0) continue;
    if (is_shorter(r->step, t->step)) {
      samples = t;
    } else {
      r->plan = (plan){.kind = t->kind, .rtype = order[i]};
      return BV_OK;
    }
  }
  if (samples) return too_short(r, samples, err);
  return bv_fail(err, BV_ARG, "%s: the file holds no records that have the %s", r->name,
                 bv_bars_of_name(r->step.of));
}

/* Of a file without a schema: bars of the timestep asked for, else the records that are trades, else
** those of the least deep book. */
static bv_rc plan_of_counts(bv_dbn *r, bv_err *err) {
  static const uint8_t order[] = {0x20, 0x21, 0x22, 0x23, 0x24, 0x00, 0xC2, 0x01, 0xB1, 0x0A, 0xA0};
  const bv_dbn_type *bars = NULL;
  if (of_quotes(r)) return plan_of_quote_counts(r, err);
  if (r->step.n < 1) return need_step(r, err);
  for (size_t i = 0; i < sizeof order; i++) {
    const bv_dbn_type *t = bv_dbn_type_of(order[i]);
    if (r->of_type[order[i]] == 0) continue;
    if (t->kind == BV_DBN_BARS && !bv_timestep_eq(r->step, t->step)) {
      bars = t;
    } else {
      r->plan = (plan){.kind = t->kind, .rtype = order[i], .every = t->every};
      return BV_OK;
    }
  }
  return bars ? wrong_step(r, bars->name, bars->step, err) : no_rows(r, err);
}

/* ---- one record ---------------------------------------------------------------------------- */

/* What a record is in this reading, and why it is bad where it is. */
typedef struct item {
  enum { NOTHING, BAR, TRADE } what; /* a price of the bid or the ask is as a trade */
  const char *why;
  bv_dbn_ohlcv bar;
  bv_dbn_trade trade;
  uint64_t ns; /* the time that symbols are looked up by */
} item;

static void read_item(const bv_dbn *r, const uint8_t *rec, item *it) {
  uint8_t rtype = bv_dbn_rtype(rec);
  bool planned = rtype == r->plan.rtype || (r->plan.old_bars && rtype == BV_DBN_RTYPE_BARS);
  it->what = NOTHING;
  it->why = NULL;
  if (!planned || r->plan.kind == BV_DBN_UNKNOWN) return;
  if (of_quotes(r)) {
    bool is;
    it->why = bv_dbn_read_quote(rec, r->step.of == BV_OF_ASK, &is, &it->trade);
    it->what = is ? TRADE : NOTHING;
    it->ns = is ? it->trade.recv : 0;
  } else if (r->plan.kind == BV_DBN_BARS) {
    it->why = bv_dbn_read_ohlcv(rec, &it->bar);
    it->what = BAR;
    it->ns = bv_dbn_ts_event(rec);
  } else {
    bool is;
    it->why = bv_dbn_read_trade(rec, r->plan.every, &is, &it->trade);
    it->what = is ? TRADE : NOTHING;
    it->ns = is ? it->trade.recv : 0;
  }
}

/* The text that a mapping or an error carries; it may fill its field. */
static const char *text_of(const bv_dbn *r, const uint8_t *rec, size_t *n) {
  const bv_dbn_type *t = bv_dbn_type_of(bv_dbn_rtype(rec));
  const uint8_t *p = rec + t->text[r->meta.version - 1];
  size_t room = t->ntext[r->meta.version - 1];
  const uint8_t *zero = memchr(p, 0, room);
  *n = zero ? (size_t)(zero - p) : room;
  return (const char *)p;
}

/* Records that say something about others. */
static bv_rc heed(bv_dbn *r, const uint8_t *rec, bv_err *err) {
  bv_dbn_kind kind = bv_dbn_type_of(bv_dbn_rtype(rec))->kind;
  size_t n;
  if (kind == BV_DBN_MAPPING) {
    const char *symbol = text_of(r, rec, &n);
    if (n == 0) return BV_OK;
    return bv_dbn_targets_map(&r->targets, bv_dbn_instrument(rec), symbol, n, r->name, err);
  }
  if (kind == BV_DBN_ERROR && !r->message[0]) {
    const char *text = text_of(r, rec, &n);
    bv_reject_text(text, n, r->message);
  }
  return BV_OK;
}

static bv_rc find_target(bv_dbn *r, const uint8_t *rec, const item *it, bv_dbn_target **out,
                         bv_err *err) {
  return bv_dbn_targets_find(&r->targets, bv_dbn_instrument(rec), bv_dbn_publisher(rec), it->ns,
                             out, r->name, err);
}

/* ---- the first reading --------------------------------------------------------------------- */

static bv_rc learn_record(bv_dbn *r, const uint8_t *rec, bv_err *err) {
  item it;
  bv_dbn_target *t;
  read_item(r, rec, &it);
  if (it.why || it.what == NOTHING) return heed(r, rec, err);
  BV_TRY(find_target(r, rec, &it, &t, err));
  if (it.what == TRADE) bv_dbn_series_learn(&t->series, &it.trade);
  return BV_OK;
}

/* Before a record, tell how many there were. */
static bv_rc tell(const bv_dbn *r, const char *unit, bv_err *err) {
  int64_t n = r->in.records;
  return r->tell && n > 0 && n % TELL == 0 ? r->tell(r->tell_ctx, n, unit, err) : BV_OK;
}

/* Go through all records; where `learn` is false they are only counted. */
static bv_rc read_through(bv_dbn *r, bool learn, bv_err *err) {
  const uint8_t *rec;
  memset(r->of_type, 0, sizeof r->of_type);
  for (;;) {
    BV_TRY(tell(r, learn ? "records checked" : "records counted", err));
    BV_TRY(bv_dbn_stream_next(&r->in, r->meta.version, &rec, err));
    if (!rec) return BV_OK;
    r->of_type[bv_dbn_rtype(rec)]++;
    if (learn) BV_TRY(learn_record(r, rec, err));
  }
}

/* Open the file again, at its first record. */
static bv_rc rewind_file(bv_dbn *r, bv_err *err) {
  bv_infile *in;
  bv_dbn_stream_close(&r->in);
  if (r->path) {
    BV_TRY(bv_infile_open(r->path, &in, err));
  } else {
    BV_TRY(bv_infile_open_memory(r->spool.p, r->spool.n, r->name, &in, err));
  }
  BV_TRY(bv_dbn_stream_open(&r->in, in, err));
  return bv_dbn_stream_skip(&r->in, r->meta.bytes, err);
}

static bv_rc warn_kinds(bv_dbn *r) {
  int64_t unknown = 0;
  char text[200] = "";
  for (int i = 0; i < 256; i++) {
    const bv_dbn_type *t = bv_dbn_type_of((uint8_t)i);
    bool used = (i == r->plan.rtype && r->plan.kind != BV_DBN_UNKNOWN) ||
                (i == BV_DBN_RTYPE_BARS && r->plan.old_bars);
    if (t->kind == BV_DBN_UNKNOWN) unknown += r->of_type[i];
    if (used || r->of_type[i] == 0 || t->kind == BV_DBN_UNKNOWN || t->kind >= BV_DBN_MAPPING)
      continue;
    size_t n = strlen(text);
    snprintf(text + n, sizeof text - n, "%s%lld %s", n ? ", " : "", (long long)r->of_type[i],
             t->name);
  }
  if (text[0]) {
    BV_TRY(bv_buf_addf(&r->warnings, "records of other kinds were passed over: %s\n", text));
  }
  if (unknown == 0) return BV_OK;
  return bv_buf_addf(&r->warnings, "%lld records of unknown kinds were passed over\n",
                     (long long)unknown);
}

static bv_rc describe(bv_dbn *r) {
  const bv_dbn_schema *s = bv_dbn_schema_of(r->meta.schema);
  BV_TRY(bv_buf_addf(&r->columns, "DBN version %d, %s, %s", r->meta.version, r->meta.dataset,
                     s ? s->name : "no schema"));
  if (r->message[0]) {
    BV_TRY(bv_buf_addf(&r->warnings, "the file tells of an error: %s\n", r->message));
  }
  return warn_kinds(r);
}

static bv_rc learn(bv_dbn *r, bv_err *err) {
  const bv_dbn_schema *s;
  BV_TRY(bv_dbn_meta_read(&r->meta, &r->in, err));
  BV_TRY(bv_dbn_targets_init(&r->targets, &r->meta, err));
  s = bv_dbn_schema_of(r->meta.schema);
  if (s) {
    BV_TRY(plan_of_schema(r, s, err));
  } else {
    BV_TRY(read_through(r, false, err));
    BV_TRY(plan_of_counts(r, err));
    BV_TRY(rewind_file(r, err));
  }
  BV_TRY(read_through(r, true, err));
  BV_TRY(rewind_file(r, err));
  bv_dbn_targets_rewind(&r->targets);
  for (bv_dbn_target *t = r->targets.first; t; t = t->after) bv_dbn_series_rewind(&t->series);
  bv_rc rc = describe(r);
  return rc == BV_OK ? rc : bv_fail(err, rc, "out of memory");
}

/* ---- the second reading -------------------------------------------------------------------- */

static bv_rc set_aside(bv_dbn *r, const uint8_t *rec, const char *why, bv_err *err) {
  char raw[BV_REJECT_RAW_MAX + 1];
  r->rejects++;
  if (!r->reject) return BV_OK;
  bv_dbn_record_text(rec, raw, sizeof raw);
  return r->reject(r->reject_ctx, r->in.records, raw, why, err);
}

static bv_rc name_row(bv_dbn *r, bv_dbn_target *t, bv_bar_row *row, bv_err *err) {
  if (!t->key) BV_TRY(bv_dbn_target_key(&r->targets, t, r->venue, r->name, err));
  row->symbol = t->key;
  row->nsymbol = t->nkey;
  return BV_OK;
}

static void fill_row(const bv_dbn_ohlcv *bar, int64_t line, bv_bar_row *row) {
  row->ts = bar->ts;
  row->open = bar->open;
  row->high = bar->high;
  row->low = bar->low;
  row->close = bar->close;
  row->volume = bar->volume;
  row->vwap = row->trades = row->bid = row->ask = row->open_interest = NAN;
  row->line = line;
}

static bv_rc take_record(bv_dbn *r, const uint8_t *rec, bv_bar_row *row, size_t *n, bv_err *err) {
  item it;
  bv_dbn_target *t;
  read_item(r, rec, &it);
  if (it.why) return set_aside(r, rec, it.why, err);
  if (it.what == NOTHING) return heed(r, rec, err);
  BV_TRY(find_target(r, rec, &it, &t, err));
  BV_TRY(name_row(r, t, row, err));
  if (row->nsymbol == 0) return set_aside(r, rec, "the symbol is not a valid asset key", err);
  if (t->is_number && r->nameless++ == 0) r->nameless_first = bv_dbn_instrument(rec);
  if (it.what == TRADE) {
    r->due = t;
    return bv_dbn_series_add(&r->trades, &t->series, &it.trade, r->in.records, r->name, err);
  }
  fill_row(&it.bar, r->in.records, row);
  ++*n;
  return BV_OK;
}

/* Give out what is finished of the target that is due; at the end of the file of each in turn. */
static bv_rc drain(bv_dbn *r, bv_bar_row *row, size_t *n, bv_err *err) {
  if (bv_dbn_series_pop(&r->trades, &r->due->series, r->flushing, row)) {
    BV_TRY(name_row(r, r->due, row, err));
    ++*n;
  } else {
    r->due = r->flushing ? r->due->after : NULL;
  }
  return BV_OK;
}

static bv_rc warn_nameless(bv_dbn *r) {
  if (r->nameless == 0) return BV_OK;
  return bv_buf_addf(&r->warnings,
                     "%lld records are of instruments that the file names no symbol for; the "
                     "instrument's number is used (the first is %u)\n",
                     (long long)r->nameless, r->nameless_first);
}

static bv_rc finish(bv_dbn *r, bv_err *err) {
  r->flushing = true;
  r->due = r->targets.first;
  bv_rc rc = warn_nameless(r);
  return rc == BV_OK ? rc : bv_fail(err, rc, "out of memory");
}

static bv_rc dbn_next(void *self, bv_bar_row *rows, size_t cap, size_t *n, bv_err *err) {
  bv_dbn *r = self;
  *n = 0;
  while (*n < cap) {
    const uint8_t *rec;
    if (r->due) {
      BV_TRY(drain(r, &rows[*n], n, err));
      continue;
    }
    if (r->flushing) break;
    BV_TRY(tell(r, "records read", err));
    BV_TRY(bv_dbn_stream_next(&r->in, r->meta.version, &rec, err));
    if (rec) {
      BV_TRY(take_record(r, rec, &rows[*n], n, err));
    } else {
      BV_TRY(finish(r, err));
    }
  }
  r->rows += (int64_t)*n;
  return BV_OK;
}

/* ---- opening and closing ------------------------------------------------------------------- */

static bv_bar_reader_info dbn_info(const void *self) {
  const bv_dbn *r = self;
  return (bv_bar_reader_info){.time_kind = "epoch ns",
                              .compression = r->compression,
                              .header = true,
                              .columns = bv_buf_text(&r->columns),
                              .warnings = bv_buf_text(&r->warnings),
                              .rows = r->rows,
                              .rejects = r->rejects};
}

static void dbn_close(void *self) {
  bv_dbn *r = self;
  if (!r) return;
  bv_dbn_stream_close(&r->in);
  bv_dbn_targets_reset(&r->targets);
  bv_dbn_meta_reset(&r->meta);
  bv_buf_reset(&r->spool);
  bv_buf_reset(&r->columns);
  bv_buf_reset(&r->warnings);
  bv_free(r->path);
  bv_free(r->name);
  bv_free(r);
}

/* Keep in memory what cannot be read twice. */
static bv_rc spool(bv_dbn *r, bv_infile *in, bv_err *err) {
  const size_t piece = 64 * 1024;
  for (size_t n = 1; n > 0; r->spool.n += n) {
    bv_rc rc = bv_buf_reserve(&r->spool, piece);
    if (rc == BV_LIMIT) {
      return bv_fail(err, rc,
                     "%s: this is a stream of more than %zu MiB, and DBN data are read twice; save "
                     "them to a file and import that",
                     r->name, BV_DBN_SPOOL_MAX >> 20);
    }
    if (rc != BV_OK) return bv_fail(err, rc, "out of memory");
    BV_TRY(bv_infile_read(in, r->spool.p + r->spool.n, piece, &n, err));
  }
  return BV_OK;
}

static bv_dbn *new_reader(const bv_infile *in, const char *path,
                          const bv_bar_reader_options *options) {
  bv_dbn *r = bv_alloc0(BV_MEM_IMPORT, sizeof *r);
  if (!r) return NULL;
  r->step = options->step;
  r->reject = options->reject;
  r->reject_ctx = options->reject_ctx;
  r->venue = options->venue;
  r->tell = options->tell;
  r->tell_ctx = options->tell_ctx;
  r->trades = (bv_dbn_trades){options->step, options->tz ? options->tz : bv_zone_utc(), 0,
                              options->step.of != BV_OF_TRADES};
  r->compression = bv_infile_kind_name(bv_infile_kind_of(in));
  bv_buf_init(&r->spool, BV_MEM_IMPORT, BV_DBN_SPOOL_MAX);
  bv_buf_init(&r->columns, BV_MEM_IMPORT, TEXT_MAX);
  bv_buf_init(&r->warnings, BV_MEM_IMPORT, TEXT_MAX);
  r->name = bv_strdup(BV_MEM_IMPORT, bv_infile_name(in));
  if (is_regular(path)) r->path = bv_strdup(BV_MEM_IMPORT, path);
  if (r->name && (r->path || !is_regular(path))) return r;
  dbn_close(r);
  return NULL;
}

static bv_rc open_reader(bv_dbn *r, bv_infile *in, const char *path, bv_err *err) {
  bv_rc rc = refuse_foreign(r, in, path, err);
  if (rc == BV_OK && !r->path) {
    rc = spool(r, in, err);
    bv_infile_close(in);
    in = NULL;
    if (rc == BV_OK) rc = bv_infile_open_memory(r->spool.p, r->spool.n, r->name, &in, err);
  }
  if (rc != BV_OK) {
    bv_infile_close(in);
    return rc;
  }
  BV_TRY(bv_dbn_stream_open(&r->in, in, err));
  return learn(r, err);
}

bv_rc bv_dbn_open(bv_infile *in, const char *path, const bv_bar_reader_options *options,
                  bv_row_source *out, bv_err *err) {
  *out = (bv_row_source){0};
  bv_dbn *r = new_reader(in, path, options);
  if (!r) {
    bv_infile_close(in);
    return bv_fail(err, BV_NOMEM, "out of memory");
  }
  bv_rc rc = open_reader(r, in, path, err);
  if (rc != BV_OK) {
    dbn_close(r);
    return rc;
  }
  *out = (bv_row_source){r, dbn_next, dbn_info, dbn_close};
  return BV_OK;
}
