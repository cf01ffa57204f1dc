/*
** volume.h - what a bar's volume lets through of an asset's orders (knobs volume.*).
**
** V is the bar's volume, H and L its extremes.  In units, rounded down to lots:
**
**      share       volume.share x V
**      fixed       min(volume.size, V)
**      bar_point   volume.share x V / parts,  parts = floor((H - L + step) / step)
**
** With volume.by asset the orders of the asset use it up in the sequence in which they fill.  An order fills at
** most once in a bar.  Nobody can know V before the bar has ended: that a fill at the open depends on it is part of
** every such model.
*/
#ifndef BV_SIM_VOLUME_H
#define BV_SIM_VOLUME_H

#include "sim/state.h"

/* Lots the bar still lets through; 0 where its volume is missing. */
double bv_volume_room(const bv_sim *s, const bv_asset *a, const bv_sim_bar *bar);

/* `n` lots (not signed) of the bar under way have filled. */
void bv_volume_take(const bv_sim *s, bv_asset *a, double n);

#endif
