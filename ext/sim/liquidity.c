/* liquidity.c - daily volume and volatility of an asset; see liquidity.h. */
#include "sim/liquidity.h"

#include "base/alloc.h"

#include <math.h>

bv_liquidity *bv_liquidity_new(int window) {
  bv_liquidity *q = bv_alloc0(BV_MEM_SIM, sizeof *q + 2 * (size_t)window * sizeof(double));
  if (!q) return NULL;
  q->mean_volume = q->sigma = q->last = NAN;
  q->day = INT64_MIN;
  q->window = window;
  return q;
}

static int64_t day_number(const bv_zone *zone, int64_t ts) {
  int64_t local = zone ? bv_zone_to_local(zone, ts) : ts;
  return local / 86400 - (local % 86400 < 0);
}

/* Sample deviation of the returns from close to close, oldest first. */
static double deviation(const bv_liquidity *q) {
  const double *close = q->day_of + q->window;
  int n = q->window - 1;
  double mean = 0, sum = 0;
  for (int pass = 0; pass < 2; pass++) {
    for (int i = 0; i < n; i++) {
      double a = close[(q->at + i) % q->window], b = close[(q->at + i + 1) % q->window];
      double r = b / a - 1;
      if (pass == 0) mean += r / n;
      if (pass == 1) sum += (r - mean) * (r - mean);
    }
  }
  return sqrt(sum / (n - 1));
}

static void end_day(bv_liquidity *q) {
  if (isnan(q->last)) return; /* it had no close */
  q->day_of[q->at] = q->total;
  q->day_of[q->window + q->at] = q->last;
  q->at = (q->at + 1) % q->window;
  q->total = 0;
  if (q->n < q->window) q->n++;
  if (q->n < q->window) return;
  double sum = 0;
  for (int i = 0; i < q->window; i++) sum += q->day_of[i];
  q->mean_volume = sum / q->window;
  q->sigma = deviation(q);
}

void bv_liquidity_open(bv_liquidity *q, const bv_zone *zone, int64_t ts) {
  int64_t day = day_number(zone, ts);
  if (day == q->day) return;
  if (q->day != INT64_MIN) end_day(q);
  q->day = day;
}

void bv_liquidity_close(bv_liquidity *q, const bv_zone *zone, const bv_sim_bar *bar) {
  bv_liquidity_open(q, zone, bar->ts);
  if (!isnan(bar->volume)) q->total += bar->volume;
  if (!isnan(bar->close)) q->last = bar->close;
}
