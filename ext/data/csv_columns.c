/* csv_columns.c - which column of a file means what; see csv_columns.h. */
#include "data/csv_columns.h"

#include "base/text.h"
#include "data/csv_time.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define KEY_MAX      48 /* longer names are no names of columns we know */
#define SHOWN_NAMES  40
#define SHOWN_LENGTH 40

/* Known names, best first.  Sources: the export formats of Alpaca, Alpha Vantage, Binance,
** Bitstamp, Databento, Dukascopy, Interactive Brokers, Kraken, MetaStock, MetaTrader, Nasdaq,
** pandas, Polygon, Stooq, ThetaData, TradingView and Yahoo. */
static const char *const name_ts[] = {
    "ts",       "timestamp", "datetime",    "dateandtime", "tsevent",       "opentime",
    "unix",     "unixtime",  "epoch",       "gmttime",     "localtime",     "utctime",
    "timeutc",  "dateutc",   "datetimeutc", "start",       "starttime",     "windowstart",
    "barstart", "bartime",   "opendate",    "datestamp",   "unixtimestamp", "timestart",
    "t",        "created",   "dtyyyymmdd",  NULL};
static const char *const name_date[] = {"date", "day", "tradedate", "tradingday", "dates", NULL};
static const char *const name_time[] = {"time", "timeofday", "hhmmss", "hhmm", "msofday", NULL};
static const char *const name_symbol[] = {
    "symbol", "ticker",       "asset",          "sym",  "instrument", "ric", "code", "pair",
    "isin",   "tickersymbol", "instrumentname", "name", NULL};
static const char *const name_open[] = {"open",         "o",       "openprice", "priceopen",
                                        "opening",      "openpx",  "pxopen",    "tradeopen",
                                        "openingprice", "openusd", NULL};
static const char *const name_high[] = {"high",         "h",      "highprice", "pricehigh",
                                        "highest",      "highpx", "pxhigh",    "tradehigh",
                                        "highestprice", "max",    "highusd",   NULL};
static const char *const name_low[] = {"low",         "l",     "lowprice", "pricelow",
                                       "lowest",      "lowpx", "pxlow",    "tradelow",
                                       "lowestprice", "min",   "lowusd",   NULL};
static const char *const name_close[] = {
    "close",        "c",         "closeprice", "priceclose", "closing", "closepx",   "pxclose",
    "closingprice", "closelast", "tradeclose", "closeusd",   "last",    "lastprice", "pxlast",
    "settle",       "price",     NULL};
static const char *const name_volume[] = {
    "volume",       "vol",        "v",         "tradevolume", "totalvolume",
    "basevolume",   "volumebase", "volumebtc", "shares",      "volumetraded",
    "volumeshares", "qty",        "pxvolume",  "realvolume",  "tickvolume",
    "tickvol",      NULL};
static const char *const name_vwap[] = {"vwap",
                                        "vw",
                                        "weightedaverage",
                                        "weightedprice",
                                        "volumeweightedaverageprice",
                                        "volumeweighted",
                                        "weightedaverageprice",
                                        "wap",
                                        "average",
                                        "averageprice",
                                        NULL};
static const char *const name_trades[] = {
    "trades",      "n",        "count",      "numtrades",  "numberoftrades", "transactions",
    "tradescount", "barcount", "tradecount", "nooftrades", "notrades",       NULL};
static const char *const name_bid[] = {"bid", "bidprice", "bidclose", "closebid", NULL};
static const char *const name_ask[] = {"ask", "askprice", "askclose", "closeask", NULL};
static const char *const name_oi[] = {"openinterest", "openint", "oi", NULL};

static const struct {
  const char *name;
  const char *const *known;
  bool needed;
} roles[BV_ROLE_COUNT] = {
    [BV_ROLE_TS] = {"ts", name_ts, true},
    [BV_ROLE_TIME] = {"time", name_time, false},
    [BV_ROLE_SYMBOL] = {"symbol", name_symbol, false},
    [BV_ROLE_OPEN] = {"open", name_open, true},
    [BV_ROLE_HIGH] = {"high", name_high, true},
    [BV_ROLE_LOW] = {"low", name_low, true},
    [BV_ROLE_CLOSE] = {"close", name_close, true},
    [BV_ROLE_VOLUME] = {"volume", name_volume, false},
    [BV_ROLE_VWAP] = {"vwap", name_vwap, false},
    [BV_ROLE_TRADES] = {"trades", name_trades, false},
    [BV_ROLE_BID] = {"bid", name_bid, false},
    [BV_ROLE_ASK] = {"ask", name_ask, false},
    [BV_ROLE_OI] = {"open_interest", name_oi, false},
};

const char *bv_role_name(bv_role role) {
  return roles[role].name;
}

/* The comparable form of a name; "" where nothing is left or it is too long. */
static void make_key(const char *p, size_t n, char key[KEY_MAX]) {
  size_t k = 0;
  for (size_t i = 0; i < n; i++) {
    char c = p[i];
    bool upper = c >= 'A' && c <= 'Z', digit = c >= '0' && c <= '9';
    if (digit && k == 0) continue;
    if (!upper && !digit && !(c >= 'a' && c <= 'z') && !((unsigned char)c & 0x80)) continue;
    if (k == KEY_MAX - 1) {
      k = 0;
      break;
    }
    key[k++] = upper ? (char)(c + 32) : c;
  }
  key[k] = 0;
}

/* The best column for a list of names: by the names' order, then leftmost.  *twice tells whether a
** second column has the very same name. */
static int find_known(const bv_csv_record *h, const char *const *known, bool *twice) {
  for (; *known; known++) {
    int at = -1;
    for (size_t i = 0; i < h->nfield; i++) {
      char key[KEY_MAX];
      make_key(h->field[i].p, h->field[i].n, key);
      if (strcmp(key, *known) != 0) continue;
      if (at >= 0) {
        *twice = true;
        return at;
      }
      at = (int)i;
    }
    if (at >= 0) return at;
  }
  return -1;
}

static int find_wanted(const bv_csv_record *h, const char *wanted) {
  char want[KEY_MAX], key[KEY_MAX];
  make_key(wanted, strlen(wanted), want);
  for (size_t i = 0; i < h->nfield; i++) {
    if (bv_text_ieqn(h->field[i].p, h->field[i].n, wanted)) return (int)i;
  }
  for (size_t i = 0; want[0] && i < h->nfield; i++) {
    make_key(h->field[i].p, h->field[i].n, key);
    if (strcmp(key, want) == 0) return (int)i;
  }
  return -1;
}

/* A name, cut and with control characters replaced, in quotes where it is empty. */
static bv_rc add_name(bv_buf *b, bv_field f) {
  if (f.n == 0) return bv_buf_adds(b, "''");
  size_t n = f.n < SHOWN_LENGTH ? f.n : SHOWN_LENGTH;
  while (n < f.n && n > 0 && ((unsigned char)f.p[n] & 0xC0) == 0x80) n--;
  for (size_t i = 0; i < n; i++) {
    char c = (unsigned char)f.p[i] < 0x20 || f.p[i] == 0x7f ? '?' : f.p[i];
    BV_TRY(bv_buf_add(b, &c, 1));
  }
  return n < f.n ? bv_buf_adds(b, "...") : BV_OK;
}

static bv_rc add_header(bv_buf *b, const bv_csv_record *h) {
  for (size_t i = 0; i < h->nfield; i++) {
    if (i) BV_TRY(bv_buf_adds(b, ","));
    if (i == SHOWN_NAMES) return bv_buf_addf(b, "... (%d columns)", (int)h->nfield);
    BV_TRY(add_name(b, h->field[i]));
  }
  return BV_OK;
}

/* The error about roles that no column has, with the header as it was read. */
static bv_rc fail_missing(const bv_csv_record *h, const char *name, const char *missing,
                          bool adjusted, bv_err *err) {
  bv_buf b;
  bv_buf_init(&b, BV_MEM_IMPORT, 4096);
  bv_rc rc = add_header(&b, h);
  if (rc == BV_OK) {
    rc = bv_fail(err, BV_ARG,
                 "%s line %lld: no column for %s%s; needed are ts (or date and time), open, high, "
                 "low, close; the header read is: %.200s",
                 name, (long long)h->line, missing,
                 adjusted ? " (an adjusted close is not taken for it)" : "", bv_buf_text(&b));
  }
  bv_buf_reset(&b);
  return rc;
}

static bool is_adjusted(bv_field f) {
  char key[KEY_MAX];
  make_key(f.p, f.n, key);
  return strncmp(key, "adj", 3) == 0;
}

static bool has_adjusted(const bv_csv_record *h) {
  for (size_t i = 0; i < h->nfield; i++) {
    if (is_adjusted(h->field[i])) return true;
  }
  return false;
}

static int role_of_field(const bv_csv_columns *c, size_t i) {
  for (int r = 0; r < BV_ROLE_COUNT; r++) {
    if (c->at[r] == (int)i) return r;
  }
  return -1;
}

/* Say what was taken for what, and what was left. */
static bv_rc describe(const bv_csv_record *h, const bv_csv_columns *c, bv_buf *text) {
  const char *sep = "";
  for (int r = 0; r < BV_ROLE_COUNT; r++) {
    if (c->at[r] < 0) continue;
    bool date = r == BV_ROLE_TS && c->at[BV_ROLE_TIME] >= 0;
    BV_TRY(bv_buf_addf(text, "%s%s=", sep, date ? "date" : roles[r].name));
    if (c->header) {
      BV_TRY(add_name(text, h->field[c->at[r]]));
    } else {
      BV_TRY(bv_buf_addf(text, "column %d", c->at[r] + 1));
    }
    sep = ", ";
  }
  sep = "; ignored: ";
  int shown = 0;
  for (size_t i = 0; i < h->nfield; i++) {
    if (role_of_field(c, i) >= 0) continue;
    if (++shown > SHOWN_NAMES) return bv_buf_adds(text, ", ...");
    BV_TRY(bv_buf_adds(text, sep));
    if (c->header) {
      BV_TRY(add_name(text, h->field[i]));
    } else {
      BV_TRY(bv_buf_addf(text, "column %d", (int)i + 1));
    }
    sep = ", ";
  }
  return BV_OK;
}

/* A volume named with its unit ("Volume BTC"), where nothing better is there; one in money only if
** there is no other. */
static int find_volume_unit(const bv_csv_record *h, bool *money) {
  static const char *const unit[] = {"usd", "usdt", "usdc", "eur", "gbp", "jpy", "busd", "quote"};
  int fallback = -1;
  for (size_t i = 0; i < h->nfield; i++) {
    char key[KEY_MAX];
    make_key(h->field[i].p, h->field[i].n, key);
    if (strncmp(key, "volume", 6) != 0) continue;
    bool is_money = false;
    for (size_t k = 0; k < sizeof unit / sizeof *unit; k++) is_money |= !strcmp(key + 6, unit[k]);
    if (!is_money) return (int)i;
    if (fallback < 0) fallback = (int)i;
  }
  *money = fallback >= 0;
  return fallback;
}

/* What pandas writes above an index without a name, and (0.2.51 on) yfinance above its dates. */
static bool is_index_name(bv_field f) {
  char key[KEY_MAX];
  make_key(f.p, f.n, key);
  return f.n == 0 || strcmp(key, "unnamed0") == 0 || strcmp(key, "price") == 0;
}

/* The time: a full timestamp, else date and time, else whichever of the two there is, else a first
** column without name. */
static void find_time(const bv_csv_record *h, bv_csv_columns *c, bool *twice) {
  int date = find_known(h, name_date, twice), time = c->at[BV_ROLE_TIME];
  c->at[BV_ROLE_TIME] = -1;
  if (c->at[BV_ROLE_TS] >= 0) return;
  c->at[BV_ROLE_TS] = date >= 0 ? date : time;
  if (date >= 0) c->at[BV_ROLE_TIME] = time;
  if (c->at[BV_ROLE_TS] < 0 && is_index_name(h->field[0]) && c->at[BV_ROLE_CLOSE] != 0) {
    c->at[BV_ROLE_TS] = 0;
  }
}

/* The column whose name is a side and a word, in either order: -1 where there is none. */
static int find_side(const bv_csv_record *h, const char *side, const char *const *word) {
  for (; *word; word++) {
    char first[KEY_MAX], last[KEY_MAX], key[KEY_MAX];
    snprintf(first, sizeof first, "%s%s", side, *word);
    snprintf(last, sizeof last, "%s%s", *word, side);
    for (size_t i = 0; i < h->nfield; i++) {
      make_key(h->field[i].p, h->field[i].n, key);
      if (strcmp(key, first) == 0 || strcmp(key, last) == 0) return (int)i;
    }
  }
  return -1;
}

/* Of a file with both sides of quotes, the columns of one; what else the file has is not about it. */
static void match_side(const bv_csv_record *h, bv_bars_of of, bv_csv_columns *c) {
  static const char *const word[5][5] = {{"open", "o", "openprice", NULL},
                                         {"high", "h", "highprice", NULL},
                                         {"low", "l", "lowprice", NULL},
                                         {"close", "c", "closeprice", NULL},
                                         {"size", "volume", "vol", "qty", NULL}};
  const char *side = bv_bars_of_name(of);
  int at[5];
  c->at[BV_ROLE_BID] = c->at[BV_ROLE_ASK] = -1;
  for (int i = 0; i < 5; i++) at[i] = find_side(h, side, word[i]);
  c->sided = at[0] >= 0 && at[1] >= 0 && at[2] >= 0 && at[3] >= 0;
  if (!c->sided) return;
  for (int i = 0; i < 5; i++) c->at[BV_ROLE_OPEN + i] = at[i];
  c->at[BV_ROLE_VWAP] = c->at[BV_ROLE_TRADES] = c->at[BV_ROLE_OI] = -1;
}

static bv_rc match_known(const bv_csv_record *h, bv_csv_columns *c, bv_buf *warn) {
  bool twice[BV_ROLE_COUNT] = {false}, money = false;
  for (int r = 0; r < BV_ROLE_COUNT; r++) c->at[r] = find_known(h, roles[r].known, &twice[r]);
  find_time(h, c, &twice[BV_ROLE_TS]);
  if (c->at[BV_ROLE_VOLUME] < 0) c->at[BV_ROLE_VOLUME] = find_volume_unit(h, &money);
  if (money) BV_TRY(bv_buf_adds(warn, "the volume is in money, not in units of the asset\n"));
  for (int r = 0; r < BV_ROLE_COUNT; r++) {
    if (!twice[r] || c->at[r] < 0) continue;
    BV_TRY(bv_buf_addf(warn, "several columns have the name of %s; the first is read\n",
                       roles[r].name));
  }
  return BV_OK;
}

static bv_rc apply_wanted(const bv_csv_record *h, const char *const *wanted, const char *name,
                          bv_csv_columns *c, bv_err *err) {
  bool ts_named = wanted && wanted[BV_ROLE_TS];
  /* A named time is the whole time, unless the time of day is named too. */
  if (ts_named) c->at[BV_ROLE_TIME] = -1;
  for (int r = 0; wanted && r < BV_ROLE_COUNT; r++) {
    if (!wanted[r]) continue;
    c->at[r] = find_wanted(h, wanted[r]);
    if (c->at[r] < 0) {
      char what[96];
      snprintf(what, sizeof what, "%.60s (named in the options)", wanted[r]);
      return fail_missing(h, name, what, false, err);
    }
  }
  return BV_OK;
}

bv_rc bv_csv_columns_match(const bv_csv_record *header, const char *const *wanted, bv_bars_of of,
                           const char *name, bv_csv_columns *out, bv_buf *text, bv_buf *warn,
                           bv_err *err) {
  *out = (bv_csv_columns){.nfield = header->nfield, .header = true};
  BV_TRY(match_known(header, out, warn));
  if (of != BV_OF_TRADES) match_side(header, of, out);
  BV_TRY(apply_wanted(header, wanted, name, out, err));
  if (out->at[BV_ROLE_TIME] >= 0) {
    char key[KEY_MAX];
    bv_field f = header->field[out->at[BV_ROLE_TIME]];
    make_key(f.p, f.n, key);
    out->clock_is_ms = strcmp(key, "msofday") == 0;
  }
  char missing[64] = "";
  bool adjusted = has_adjusted(header);
  for (int r = 0; r < BV_ROLE_COUNT; r++) {
    if (!roles[r].needed || out->at[r] >= 0) continue;
    if (missing[0]) strcat(missing, ", ");
    strcat(missing, roles[r].name);
  }
  if (missing[0]) {
    return fail_missing(header, name, missing, adjusted && out->at[BV_ROLE_CLOSE] < 0, err);
  }
  if (adjusted) {
    BV_TRY(bv_buf_adds(warn, "adjusted prices are ignored: the other columns are not adjusted\n"));
  }
  return describe(header, out, text);
}

static bool is_number(bv_field f, double *v) {
  return f.n > 0 && bv_parse_f64(f.p, f.n, v) == BV_OK && isfinite(*v);
}

bool bv_csv_columns_is_data(const bv_csv_record *first) {
  int numbers = 0;
  double v;
  for (size_t i = 0; i < first->nfield; i++) numbers += is_number(first->field[i], &v);
  return numbers >= 4;
}

/* Whether the fields from `at` on are numbers that can be open, high, low, close. */
static bool fits_prices(const bv_csv_record *r, size_t at) {
  double v[4];
  if (at + 4 > r->nfield) return false;
  for (size_t k = 0; k < 4; k++) {
    if (!is_number(r->field[at + k], &v[k])) return false;
  }
  return v[1] >= v[0] && v[1] >= v[3] && v[2] <= v[0] && v[2] <= v[3];
}

bv_rc bv_csv_columns_guess(const bv_csv_record *first, const char *name, bv_csv_columns *out,
                           bv_buf *text, bv_buf *warn, bv_err *err) {
  enum { KLINE_FIELDS = 12, KLINE_TRADES = 8 };
  *out = (bv_csv_columns){.nfield = first->nfield};
  for (int r = 0; r < BV_ROLE_COUNT; r++) out->at[r] = -1;
  size_t i = 0;
  if (!bv_csv_time_looks_like(first->field[0])) out->at[BV_ROLE_SYMBOL] = (int)i++;
  bool is_time = i < first->nfield && bv_csv_time_looks_like(first->field[i]);
  out->at[BV_ROLE_TS] = (int)i++;
  /* Digits are a time of day only where they make no sense as the open. */
  if (is_time && i < first->nfield && bv_csv_time_looks_like_clock(first->field[i]) &&
      !fits_prices(first, i)) {
    out->at[BV_ROLE_TIME] = (int)i++;
  }
  if (!is_time || i + 4 > first->nfield) {
    return bv_fail(err, BV_ARG,
                   "%s line %lld: the file has no header, and its columns are not time (or date, "
                   "time), open, high, low, close [, volume]; add a header line",
                   name, (long long)first->line);
  }
  for (int r = BV_ROLE_OPEN; r <= BV_ROLE_CLOSE; r++) out->at[r] = (int)i++;
  if (i < first->nfield) out->at[BV_ROLE_VOLUME] = (int)i;
  /* Binance's klines come without header and have twelve columns. */
  if (first->nfield == KLINE_FIELDS && out->at[BV_ROLE_TS] == 0 && out->at[BV_ROLE_TIME] < 0) {
    out->at[BV_ROLE_TRADES] = KLINE_TRADES;
  }
  BV_TRY(bv_buf_adds(warn, "the file has no header; the columns were guessed\n"));
  return describe(first, out, text);
}
