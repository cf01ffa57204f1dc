/* volume.c - what a bar's volume lets through of an asset's orders; see volume.h. */
#include "sim/volume.h"

#include "sim/size.h"

#include <math.h>

/* Units. */
static double allowed(const bv_sim_config *c, const bv_sim_bar *bar) {
  switch (c->volume_model) {
  case BV_VOLUME_SHARE: return c->volume_share * bar->volume;
  case BV_VOLUME_FIXED: return fmin(c->volume_size, bar->volume);
  case BV_VOLUME_BAR_POINT: {
    double parts = floor((bar->high - bar->low + c->volume_step) / c->volume_step);
    return c->volume_share * (bar->volume / fmax(parts, 1));
  }
  case BV_VOLUME_NONE:
  default: return INFINITY;
  }
}

double bv_volume_room(const bv_sim *s, const bv_asset *a, const bv_sim_bar *bar) {
  /* fmin drops a NaN. */
  if (isnan(bar->volume)) return 0;
  double units = allowed(&s->cfg, bar);
  if (!(units > 0)) return 0;
  double lots = bv_size_round(units / s->ledger.lot);
  if (s->cfg.volume_by == BV_VOLUME_BY_ASSET && a->taken_bar == bv_bar_number(s, a) + 1)
    lots -= a->taken;
  return fmax(lots, 0);
}

void bv_volume_take(const bv_sim *s, bv_asset *a, double n) {
  int64_t bar = bv_bar_number(s, a) + 1;
  if (a->taken_bar != bar) a->taken = 0;
  a->taken_bar = bar;
  a->taken += n;
}
