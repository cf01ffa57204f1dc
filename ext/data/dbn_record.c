/*
** dbn_record.c - layouts of DBN records; see dbn_record.h.
**
** Sizes, offsets and numbers are those of the public specification and its reference implementation
** (databento/dbn 0.54.0, Apache-2.0: record.rs, compat.rs, enums.rs, publishers.rs).
*/
#include "data/dbn_record.h"

#include "base/text.h"
#include "data/bar_check.h"

#include <inttypes.h>
#include <stdio.h>

#define SAME(n)                                                                                    \
  { n, n, n }
#define BARS(text, count, of)                                                                      \
  {                                                                                                \
    .kind = BV_DBN_BARS, .name = text, .bytes = SAME(56), .step = {.n = count, .unit = (of) }      \
  }
#define TRADES(text, n, all)                                                                       \
  {                                                                                                \
    .kind = BV_DBN_TRADES, .name = text, .bytes = SAME(n), .price = 16, .size = 24, .action = 28,  \
    .recv = 32, .every = all                                                                       \
  }
#define BOOK(text, n, all)                                                                         \
  {                                                                                                \
    .kind = BV_DBN_TRADES, .name = text, .bytes = SAME(n), .price = 16, .size = 24, .action = 28,  \
    .recv = 32, .every = all, .quotes = true                                                       \
  }
#define SAMPLES(text, of)                                                                          \
  {                                                                                                \
    .kind = BV_DBN_OTHER, .name = text, .bytes = SAME(80), .step = {.n = 1, .unit = (of)},         \
    .recv = 32, .quotes = true                                                                     \
  }
#define OTHER(text, ...)                                                                           \
  { .kind = BV_DBN_OTHER, .name = text, .bytes = __VA_ARGS__ }

static const bv_dbn_type types[256] = {
    [0x00] = TRADES("trades", 48, true),
    [0x01] = BOOK("mbp-1", 80, false),
    [0x0A] = BOOK("mbp-10", 368, false),
    [0x11] = BARS("ohlcv", 0, BV_SECOND),
    [0x12] = OTHER("status", SAME(40)),
    [0x13] = OTHER("definition", {360, 400, 520}),
    [0x14] = OTHER("imbalance", SAME(112)),
    [0x15] = {.kind = BV_DBN_ERROR,
              .name = "error",
              .bytes = {80, 320, 320},
              .text = SAME(16),
              .ntext = {64, 302, 302}},
    [0x16] = {.kind = BV_DBN_MAPPING,
              .name = "symbol mapping",
              .bytes = {80, 176, 176},
              .text = {38, 89, 89},
              .ntext = {22, 71, 71}},
    [0x17] = {.kind = BV_DBN_SYSTEM, .name = "system", .bytes = {80, 320, 320}},
    [0x18] = OTHER("statistics", {64, 64, 80}),
    [0x20] = BARS("ohlcv-1s", 1, BV_SECOND),
    [0x21] = BARS("ohlcv-1m", 1, BV_MINUTE),
    [0x22] = BARS("ohlcv-1h", 1, BV_HOUR),
    [0x23] = BARS("ohlcv-1d", 1, BV_DAY),
    [0x24] = BARS("ohlcv-eod", 1, BV_DAY),
    [0xA0] = {.kind = BV_DBN_TRADES,
              .name = "mbo",
              .bytes = SAME(56),
              .price = 24,
              .size = 32,
              .action = 38,
              .recv = 40},
    [0xB1] = BOOK("cmbp-1", 80, false),
    [0xC0] = SAMPLES("cbbo-1s", BV_SECOND),
    [0xC1] = SAMPLES("cbbo-1m", BV_MINUTE),
    [0xC2] = BOOK("tcbbo", 80, true),
    [0xC3] = SAMPLES("bbo-1s", BV_SECOND),
    [0xC4] = SAMPLES("bbo-1m", BV_MINUTE),
};

const bv_dbn_type *bv_dbn_type_of(uint8_t rtype) {
  return &types[rtype];
}

static const bv_dbn_schema schemas[] = {
    {"mbo", true, 0xA0, false},         {"mbp-1", true, 0x01, false},
    {"mbp-10", true, 0x0A, false},      {"tbbo", true, 0x01, true},
    {"trades", true, 0x00, true},       {"ohlcv-1s", true, 0x20, false},
    {"ohlcv-1m", true, 0x21, false},    {"ohlcv-1h", true, 0x22, false},
    {"ohlcv-1d", true, 0x23, false},    {"definition", false, 0x13, false},
    {"statistics", false, 0x18, false}, {"status", false, 0x12, false},
    {"imbalance", false, 0x14, false},  {"ohlcv-eod", true, 0x24, false},
    {"cmbp-1", true, 0xB1, false},      {"cbbo-1s", false, 0xC0, false},
    {"cbbo-1m", false, 0xC1, false},    {"tcbbo", true, 0xC2, true},
    {"bbo-1s", false, 0xC3, false},     {"bbo-1m", false, 0xC4, false},
};

const bv_dbn_schema *bv_dbn_schema_of(uint16_t code) {
  return code < sizeof schemas / sizeof *schemas ? &schemas[code] : NULL;
}

/* Venues by publisher; the datasets are named where a row begins a new one. */
static const char venues[][5] = {
    "",     "GLBX", "XNAS", "XBOS", "XPSX", "BATS", "BATY", "EDGA", "EDGX", "XNYS", /* 0 */
    "XCIS", "XASE", "XCHI", "XCIS", "XCIS", "MEMX", "EPRL", "FINN", "FINC", "FINY", /* 10 */
    "AMXO", "XBOX", "XCBO", "EMLD", "EDGO", "GMNI", "XISX", "MCRY", "XMIO", "ARCO", /* 20 */
    "OPRA", "MPRL", "XNDQ", "XBXO", "C2OX", "XPHL", "BATO", "MXOP", "IEXG", "XCHI", /* 30 */
    "XCIS", "IEXG", "EPRL", "ARCX", "XNYS", "XNYS", "XNAS", "XNAS", "XCHI", "XCIS", /* 40 */
    "IEXG", "EPRL", "XNAS", "XNYS", "FINN", "FINY", "FINC", "IFEU", "NDEX", "DBEQ", /* 50 */
    "EQUS", "SPHR", "XCHI", "XCIS", "IEXG", "EPRL", "XNAS", "XNYS", "FINN", "FINY", /* 60 */
    "FINC", "BATS", "BATY", "EDGA", "EDGX", "XBOS", "XPSX", "MEMX", "XASE", "ARCX", /* 70 */
    "LTSE", "XNAS", "FINN", "FINC", "XOFF", "XOFF", "XBOS", "XPSX", "XBOS", "XPSX", /* 80 */
    "EQUS", "XCIS", "XNYS", "EQUS", "EQUS", "EQUS", "EQUS", "IFUS", "XOFF", "IFLL", /* 90 */
    "XOFF", "XEUR", "XEEE", "XOFF", "XOFF", "XCBF", "XOFF", "OCEA",                 /* 100 */
};

const char *bv_dbn_venue(uint16_t publisher) {
  bool known = publisher > 0 && publisher < sizeof venues / sizeof *venues;
  return known ? venues[publisher] : NULL;
}

#define NS_PER_S 1000000000u

const char *bv_dbn_read_ohlcv(const uint8_t *rec, bv_dbn_ohlcv *out) {
  uint64_t ns = bv_dbn_ts_event(rec);
  int64_t open = bv_dbn_i64(rec + 16), high = bv_dbn_i64(rec + 24), low = bv_dbn_i64(rec + 32),
          close = bv_dbn_i64(rec + 40);
  if (ns == BV_DBN_NO_TIME) return "the time is undefined";
  if (ns % NS_PER_S) return "the bar does not begin at a whole second";
  if (open == BV_DBN_NO_PRICE) return "open is undefined";
  if (high == BV_DBN_NO_PRICE) return "high is undefined";
  if (low == BV_DBN_NO_PRICE) return "low is undefined";
  if (close == BV_DBN_NO_PRICE) return "close is undefined";
  *out = (bv_dbn_ohlcv){.open = bv_dbn_price(open),
                        .high = bv_dbn_price(high),
                        .low = bv_dbn_price(low),
                        .close = bv_dbn_price(close),
                        .volume = (double)bv_dbn_u64(rec + 48),
                        .ts = (int64_t)(ns / NS_PER_S)};
  return bv_bar_order_problem(out->open, out->high, out->low, out->close);
}

/* Why the times of something cannot be; where it was received is where it happened, if that is not known. */
static const char *bad_times(bv_dbn_trade *t, const char *late, const char *early) {
  const uint64_t most = (uint64_t)BV_DBN_LATE_MAX_S * NS_PER_S;
  if (t->recv == BV_DBN_NO_TIME) t->recv = t->event;
  if (t->recv > t->event && t->recv - t->event > most) return late;
  return t->event > t->recv && t->event - t->recv > most ? early : NULL;
}

const char *bv_dbn_read_trade(const uint8_t *rec, bool every, bool *is, bv_dbn_trade *out) {
  const bv_dbn_type *t = &types[bv_dbn_rtype(rec)];
  *is = rec[t->action] == 'T';
  if (!*is) return every ? "the action is not a trade" : NULL;
  *out = (bv_dbn_trade){.price = bv_dbn_i64(rec + t->price),
                        .size = bv_dbn_u32(rec + t->size),
                        .event = bv_dbn_ts_event(rec),
                        .recv = bv_dbn_u64(rec + t->recv)};
  if (out->event == BV_DBN_NO_TIME) return "the time is undefined";
  if (out->price == BV_DBN_NO_PRICE) return "the price is undefined";
  if (out->size == BV_DBN_NO_SIZE) return "the size is undefined";
  return bad_times(out, "the trade was received more than a day after its time",
                   "the trade was received more than a day before its time");
}

const char *bv_dbn_read_quote(const uint8_t *rec, bool ask, bool *is, bv_dbn_trade *out) {
  const bv_dbn_type *t = &types[bv_dbn_rtype(rec)];
  const uint8_t *level = rec + BV_DBN_LEVEL;
  *out = (bv_dbn_trade){.price = bv_dbn_i64(level + (ask ? 8 : 0)),
                        .size = bv_dbn_u32(level + (ask ? 20 : 16)),
                        .event = bv_dbn_ts_event(rec),
                        .recv = bv_dbn_u64(rec + t->recv)};
  *is = out->price != BV_DBN_NO_PRICE;
  if (!*is) return NULL;
  if (t->kind == BV_DBN_OTHER) {
    out->event = out->recv == 0 || out->recv == BV_DBN_NO_TIME ? BV_DBN_NO_TIME : out->recv - 1;
  }
  if (out->event == BV_DBN_NO_TIME) return "the time is undefined";
  if (out->size == BV_DBN_NO_SIZE) return "the size is undefined";
  return bad_times(out, "the quote was received more than a day after its time",
                   "the quote was received more than a day before its time");
}

/* Below 2^53 the integer is exact and the division rounds once.  Above, its text is read, which
** rounds once too. */
double bv_dbn_price(int64_t billionths) {
  const int64_t exact = (int64_t)1 << 53;
  if (billionths > -exact && billionths < exact) return (double)billionths / 1e9;
  uint64_t u = billionths < 0 ? 0 - (uint64_t)billionths : (uint64_t)billionths;
  char text[40];
  int n = snprintf(text, sizeof text, "%s%" PRIu64 ".%09" PRIu64, billionths < 0 ? "-" : "",
                   u / NS_PER_S, u % NS_PER_S);
  double v = 0;
  return bv_parse_f64(text, (size_t)n, &v) == BV_OK ? v : (double)billionths / 1e9;
}

void bv_dbn_record_text(const uint8_t *rec, char *out, size_t size) {
  const bv_dbn_type *t = &types[bv_dbn_rtype(rec)];
  int n = snprintf(out, size, "%s publisher=%u instrument=%u ts=%" PRIu64, t->name ? t->name : "?",
                   bv_dbn_publisher(rec), bv_dbn_instrument(rec), bv_dbn_ts_event(rec));
  if (n < 0 || (size_t)n >= size) return;
  out += n;
  size -= (size_t)n;
  if (t->kind == BV_DBN_BARS) {
    snprintf(out, size, " o=%" PRId64 " h=%" PRId64 " l=%" PRId64 " c=%" PRId64 " v=%" PRIu64,
             bv_dbn_i64(rec + 16), bv_dbn_i64(rec + 24), bv_dbn_i64(rec + 32), bv_dbn_i64(rec + 40),
             bv_dbn_u64(rec + 48));
  } else if (t->kind == BV_DBN_TRADES) {
    int action = rec[t->action];
    snprintf(out, size, " price=%" PRId64 " size=%u action=%c received=%" PRIu64,
             bv_dbn_i64(rec + t->price), bv_dbn_u32(rec + t->size),
             action > ' ' && action < 127 ? action : '?', bv_dbn_u64(rec + t->recv));
  } else if (t->quotes) {
    const uint8_t *level = rec + BV_DBN_LEVEL;
    snprintf(out, size, " bid=%" PRId64 " x %u ask=%" PRId64 " x %u received=%" PRIu64,
             bv_dbn_i64(level), bv_dbn_u32(level + 16), bv_dbn_i64(level + 8),
             bv_dbn_u32(level + 20), bv_dbn_u64(rec + t->recv));
  }
}
