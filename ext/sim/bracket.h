/*
** bracket.h - orders that hang together: a bracket on its entry, and groups of which one fills.
**
** A bracket is a stop and a limit order that close what their entry opened.  They take their numbers
** right after the entry, sleep until it fills, only ever reduce the position, and end with it.
**
** Where one bar reaches several orders of a group, or one that may lie before the entry in the bar
** (rest.h), knob same_bar decides, and the fill is marked ambiguous; so is the later fill of a bracket
** that was not filled by such a decision.
**
** With same_bar finer the bars inside the bar are gone through, if there are any, each by the same rules; what is a guess
** in one of them too is stop_first.  Where they do not reach what the bar reaches for certain, they do not count.
**
**      entry                 reached          certain in its bar        a guess
**      at the open           stop or limit    only one of them          both
**      rose to it (buy stop) limit above      always
**                            stop below       C is beyond it            L is, C is not
**      fell to it (buy limit) stop below      always
**                            limit above      C is beyond it            H is, C is not
*/
#ifndef BV_SIM_BRACKET_H
#define BV_SIM_BRACKET_H

#include "sim/rest.h"
#include "sim/state.h"

/* What fills of the orders that hang together with `o` (or `o` alone): NULL where nothing does. */
typedef struct bv_choice {
  bv_order *order;
  bv_touch touch;
} bv_choice;
BV_MUST bv_rc bv_bracket_choose(bv_sim *s, bv_order *o, bv_choice *out, bv_err *err);

/* Append the bracket of the order that was pushed last; room for two must be reserved. */
void bv_bracket_push(bv_sim *s, double take_profit, double stop_loss);

/* After a fill of `n` lots of `o` at market price `price`: the others of its group end, its bracket wakes or
** grows, and brackets without a position end.  What a part of a bracket closes its other half need not;
** the rest of its entry is cancelled.  Rules backtrader: a bracket wakes once its entry is whole. */
BV_MUST bv_rc bv_bracket_filled(bv_sim *s, const bv_order *o, double n, double price, bv_via via,
                                int64_t ts, bv_err *err);

/* Whether the order may fill inside the bar under way. */
bool bv_bracket_live(const bv_sim *s, const bv_order *o);

#endif
