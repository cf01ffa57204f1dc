/*
** match.h - which waiting orders fill, in what sequence, at what price.
*/
#ifndef BV_SIM_MATCH_H
#define BV_SIM_MATCH_H

#include "sim/execute.h"

/* Bars that start: fill what fills at their opens, in the sequence sim.h states. */
BV_MUST bv_rc bv_match_open(bv_sim *s, int64_t ts, const bv_sim_bar *bar, int n, bv_err *err);

/* Bars that end: fill what they reached inside. */
BV_MUST bv_rc bv_match_inside(bv_sim *s, int64_t t, const bv_sim_bar *bar, int n, bv_err *err);

/* Bars that have ended and are marked: with fill_at next_close every order meets their closes alone. */
BV_MUST bv_rc bv_match_close(bv_sim *s, int64_t t, const bv_sim_bar *bar, int n, bv_err *err);

/* Fill what the bars reach by the rules of another engine, in the sequence of sequence.c. */
BV_MUST bv_rc bv_match_sequence(bv_sim *s, bv_err *err);

/* For the other passes over bars: make room and let the assets know their bars; let them forget them. */
BV_MUST bv_rc bv_match_begin(bv_sim *s, const bv_sim_bar *bar, int n, bv_err *err);
void bv_match_end(bv_sim *s, const bv_sim_bar *bar, int n);

/* A market order that has no close before it to fill at: it waits for another time. */
bool bv_match_later(const bv_order *o);

/* When the order fills among those of an instant. */
bv_turn bv_match_turn(const bv_sim *s, const bv_order *o, const bv_place *at);

/* Whether its time in force lets the order fill at the open of the asset's bar. */
bool bv_match_at_open(const bv_order *o, const bv_asset *a);

/* An account worth nothing: every position is closed at its last close, every order cancelled. */
BV_MUST bv_rc bv_match_ruin(bv_sim *s, int64_t t, bv_err *err);

/* Close every open position at the last open or the last close, as knob finish says. */
BV_MUST bv_rc bv_match_finish(bv_sim *s, bv_err *err);

#endif
