/*
** bench_codec.c - size and speed of segments.
**
**   bench_codec                     generated minute bars: 5 symbols, one year, prices in cents
**   bench_codec DIR [SYMBOLS]       columns M_ts.bin, M_open.bin, ... of 98,280 bars a symbol
**   bench_codec -r FILE ...         text bars "date time,open,high,low,close,volume", joined
**   options before these: -s BARS of a segment (8192), -l LEVEL (repeatable), -v also by column, -p SET (instruction set, 0 plain)
**
** One JSON line per figure.  "gb_per_s" counts raw columns: 48 bytes a bar.  Seconds are the best of
** several runs over all segments, on one core, in processor time so that a busy machine disturbs
** less.
*/
#include "col/segment.h"
#include "col/simd.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { YEAR = 98280, NCOLS = 6, RUNS = 7, MAX_LEVELS = 16 };

static const bv_column columns[NCOLS] = {BV_COL_TS,   BV_COL_CLOSE, BV_COL_OPEN,
                                         BV_COL_HIGH, BV_COL_LOW,   BV_COL_VOLUME};

typedef struct data {
  int64_t *ts;
  double *col[BV_NCOL];
  size_t n, per; /* bars, bars of a symbol */
} data;

typedef struct blobs {
  bv_buf bytes;
  size_t *at; /* start of every blob; one more entry than blobs */
  size_t n;
} blobs;

static void die(const char *what) {
  fprintf(stderr, "bench_codec: %s\n", what);
  exit(1);
}

static void *room(size_t n) {
  void *p = bv_alloc(BV_MEM_BASE, n);
  if (p == NULL) die("no memory");
  return p;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void make_columns(data *d, size_t n) {
  d->ts = room((n + 1) * sizeof *d->ts);
  for (int c = 0; c <= BV_COL_VOLUME; c++) d->col[c] = room((n + 1) * sizeof(double));
}

/* ---- generated bars ---- */

static uint64_t seed;

static double uniform(void) { /* splitmix64 */
  uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  z ^= z >> 31;
  return ((double)(z >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(void) {
  const double r = sqrt(-2 * log(uniform()));
  return r * cos(6.283185307179586 * uniform());
}

static double cents(double x) {
  return round(x * 100) / 100;
}

/* A random walk by the minute, 252 days of 390 bars, overnight gaps, log-normal volume. */
static void generate(data *d, size_t symbols) {
  d->per = YEAR;
  d->n = symbols * YEAR;
  make_columns(d, d->n);
  for (size_t i = 0; i < d->n; i++) {
    static double px, vol, mu;
    const size_t bar = i % YEAR, minute = bar % 390;
    if (bar == 0) {
      seed = 0x5eed0000 + i / YEAR * 7919;
      px = 10 * pow(50, uniform());
      vol = 0.0004 + 0.0008 * uniform();
      mu = 6 + 4 * uniform();
    }
    if (minute == 0) px *= exp(0.01 * normal());
    const double o = px * exp(0.1 * vol * normal()), c = o * exp(vol * normal());
    const double u = ((double)minute - 195) / 195;
    d->ts[i] = 1704205800 + (int64_t)(bar / 390) * 86400 + 60 * (int64_t)minute;
    d->col[BV_COL_OPEN][i] = cents(o);
    d->col[BV_COL_CLOSE][i] = cents(c);
    d->col[BV_COL_HIGH][i] = cents(fmax(o, c) * exp(0.5 * vol * fabs(normal())));
    d->col[BV_COL_LOW][i] = cents(fmin(o, c) * exp(-0.5 * vol * fabs(normal())));
    d->col[BV_COL_VOLUME][i] = 1 + round(exp(mu + 0.9 * u * u + 0.8 * normal()));
    px = c;
  }
}

/* ---- bars from files ---- */

static void read_columns(data *d, const char *dir, size_t symbols) {
  char name[4096];
  d->per = YEAR;
  d->n = symbols * YEAR;
  make_columns(d, d->n);
  for (int c = -1; c <= BV_COL_VOLUME; c++) {
    snprintf(name, sizeof name, "%s/M_%s.bin", dir, c < 0 ? "ts" : bv_column_name(c));
    FILE *f = fopen(name, "rb");
    void *to = c < 0 ? (void *)d->ts : (void *)d->col[c];
    if (f == NULL || fread(to, 8, d->n, f) != d->n) die(name);
    fclose(f);
  }
  for (size_t i = 0; i < d->n; i++) { /* volumes are stored as integers there */
    int64_t v;
    memcpy(&v, d->col[BV_COL_VOLUME] + i, sizeof v);
    d->col[BV_COL_VOLUME][i] = (double)v;
  }
}

static int64_t day_number(int y, int m, int d) {
  y -= m <= 2;
  const int era = y / 400, of = y - era * 400, day = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
  return (int64_t)era * 146097 + of * 365 + of / 4 - of / 100 + day - 719468;
}

static void read_text(data *d, char **file, int files) {
  char line[512];
  const size_t cap = 1 << 20;
  make_columns(d, cap);
  for (int i = 0; i < files; i++) {
    FILE *f = fopen(file[i], "r");
    if (f == NULL) die(file[i]);
    while (d->n < cap && fgets(line, sizeof line, f)) {
      int y, mo, da, h, mi, s;
      double v[5];
      if (sscanf(line, "%d-%d-%d%*1[ ,T]%d:%d:%d%*[^,],%lf,%lf,%lf,%lf,%lf", &y, &mo, &da, &h, &mi,
                 &s, v, v + 1, v + 2, v + 3, v + 4) < 10 &&
          sscanf(line, "%d-%d-%d%*1[ ,T]%d:%d:%d,%lf,%lf,%lf,%lf,%lf", &y, &mo, &da, &h, &mi, &s, v,
                 v + 1, v + 2, v + 3, v + 4) < 10)
        continue;
      d->ts[d->n] = day_number(y, mo, da) * 86400 + h * 3600 + mi * 60 + s;
      for (int c = 0; c <= BV_COL_VOLUME; c++) d->col[c][d->n] = v[c];
      d->n++;
    }
    fclose(f);
  }
  d->per = d->n;
}

/* ---- measuring ---- */

static bv_bars view(const data *d, size_t at, size_t n) {
  bv_bars b = {.n = (int64_t)n, .ts = d->ts + at};
  for (int c = 0; c <= BV_COL_VOLUME; c++) b.col[c] = d->col[c] + at;
  return b;
}

/* Walk the segments of all symbols: *at and the result's bars; 0 at the end. */
static size_t next_segment(const data *d, size_t bars, size_t *at, size_t before) {
  *at += before;
  if (*at >= d->n) return 0;
  const size_t left = d->per - *at % d->per;
  return left < bars ? left : bars;
}

static void encode_all(bv_segctx *ctx, const data *d, size_t bars, int level, blobs *out) {
  bv_err err = {BV_OK, 0, ""};
  bv_buf_clear(&out->bytes);
  out->n = 0;
  size_t at = 0;
  for (size_t n = 0; (n = next_segment(d, bars, &at, n)) > 0;) {
    const bv_bars b = view(d, at, n);
    for (int c = 0; c < NCOLS; c++) {
      out->at[out->n++] = out->bytes.n;
      if (bv_segment_encode(ctx, &b, columns[c], level, &out->bytes, NULL, &err)) die(err.msg);
    }
  }
  out->at[out->n] = out->bytes.n;
}

static void decode_all(bv_segctx *ctx, const data *d, size_t bars, const blobs *in, unsigned set,
                       int64_t *ts, double *const col[BV_NCOL], bool compare) {
  bv_err err = {BV_OK, 0, ""};
  size_t at = 0, k = 0;
  for (size_t n = 0; (n = next_segment(d, bars, &at, n)) > 0;) {
    bv_bars got = {.n = (int64_t)n, .ts = ts};
    for (int c = 0; c <= BV_COL_VOLUME; c++) got.col[c] = col[c];
    for (int c = 0; c < NCOLS; c++, k++) {
      const char *p = in->bytes.p + in->at[k];
      const size_t len = in->at[k + 1] - in->at[k];
      size_t m;
      bv_rc rc;
      if (!(set & BV_COLBIT(columns[c]))) continue;
      if (columns[c] == BV_COL_TS)
        rc = bv_segment_decode_ts(ctx, p, len, ts, bars, &m, &err);
      else
        rc = bv_segment_decode(ctx, columns[c], p, len, &got, col[columns[c]], bars, &m, &err);
      if (rc != BV_OK) die(err.msg);
      const void *a = columns[c] == BV_COL_TS ? (void *)ts : (void *)col[columns[c]];
      const void *b =
          columns[c] == BV_COL_TS ? (void *)(d->ts + at) : (void *)(d->col[columns[c]] + at);
      if (compare && memcmp(a, b, n * 8) != 0) die("decoded bars differ");
    }
  }
}

static void print_line(const char *what, const char *which, int level, const data *d,
                       double seconds, double bytes, double raw) {
  printf("{\"w\":\"codec\",\"peer\":\"libbarsvt\",\"metric\":\"%s%s_level%d\",\"n\":%zu,"
         "\"seconds\":%.6g,\"bytes_per_bar\":%.4f,\"gb_per_s\":%.3f}\n",
         what, which, level, d->n, seconds, bytes / (double)d->n,
         raw * (double)d->n / seconds / 1e9);
  fflush(stdout);
}

static void measure(bv_segctx *ctx, const data *d, size_t bars, int level, bool by_column, blobs *z,
                    int64_t *ts, double *const col[BV_NCOL]) {
  double best = 1e9;
  const int encode_runs = level > 3 ? 1 : 5;
  for (int r = 0; r < encode_runs; r++) {
    const double t = now();
    encode_all(ctx, d, bars, level, z);
    best = fmin(best, now() - t);
  }
  print_line("encode", "_six", level, d, best, (double)z->bytes.n, 48);
  unsigned all = 0;
  for (int c = 0; c < NCOLS; c++) all |= BV_COLBIT(columns[c]);
  decode_all(ctx, d, bars, z, all, ts, col, true);
  best = 1e9;
  for (int r = 0; r < RUNS; r++) {
    const double t = now();
    decode_all(ctx, d, bars, z, all, ts, col, false);
    best = fmin(best, now() - t);
  }
  print_line("decode", "_six", level, d, best, (double)z->bytes.n, 48);
  for (int c = 0; c < NCOLS && by_column; c++) {
    char name[32];
    double bytes = 0;
    for (size_t k = (size_t)c; k < z->n; k += NCOLS) bytes += (double)(z->at[k + 1] - z->at[k]);
    best = 1e9;
    for (int r = 0; r < RUNS; r++) {
      const double t = now();
      /* Other columns keep the values of the last segment: the same work, other numbers. */
      decode_all(ctx, d, bars, z, BV_COLBIT(columns[c]), ts, col, false);
      best = fmin(best, now() - t);
    }
    snprintf(name, sizeof name, "_%s", bv_column_name((int)columns[c]));
    print_line("decode", name, level, d, best, bytes, 8);
  }
}

int main(int argc, char **argv) {
  size_t bars = 8192;
  int level[MAX_LEVELS], levels = 0, i = 1;
  bool by_column = false;
  data d = {.n = 0};
  for (; i < argc && argv[i][0] == '-' && argv[i][1] != 'r'; i++) {
    if (argv[i][1] == 'v')
      by_column = true;
    else if (argv[i][1] == 'p')
      bv_simd_force((bv_simd)atoi(argv[++i]));
    else if (i + 1 < argc && argv[i][1] == 's')
      bars = (size_t)atoi(argv[++i]);
    else if (i + 1 < argc && argv[i][1] == 'l' && levels < MAX_LEVELS)
      level[levels++] = atoi(argv[++i]);
  }
  if (levels == 0) {
    level[levels++] = 0;
    level[levels++] = BV_SEG_LEVEL_DEFAULT;
    level[levels++] = 3;
  }
  if (i < argc && strcmp(argv[i], "-r") == 0)
    read_text(&d, argv + i + 1, argc - i - 1);
  else if (i < argc)
    read_columns(&d, argv[i], i + 1 < argc ? (size_t)atoi(argv[i + 1]) : 1);
  else
    generate(&d, 5);

  bv_segctx *ctx;
  if (bv_segctx_new(&ctx) != BV_OK) die("no memory");
  blobs z;
  bv_buf_init(&z.bytes, BV_MEM_BASE, (size_t)1 << 31);
  z.at = room((d.n / bars + d.n / d.per + 2) * NCOLS * sizeof *z.at);
  int64_t *ts = room(bars * sizeof *ts);
  double *col[BV_NCOL] = {NULL};
  for (int c = 0; c <= BV_COL_VOLUME; c++) col[c] = room(bars * sizeof(double));
  for (int k = 0; k < levels; k++) measure(ctx, &d, bars, level[k], by_column, &z, ts, col);

  bv_segctx_free(ctx);
  bv_buf_reset(&z.bytes);
  bv_free(z.at);
  bv_free(ts);
  bv_free(d.ts);
  for (int c = 0; c < BV_NCOL; c++) {
    bv_free(col[c]);
    bv_free(d.col[c]);
  }
  return 0;
}
