/*
** names.h - what asks, order types, times in force and states are called in SQL.
*/
#ifndef BV_RUN_NAMES_H
#define BV_RUN_NAMES_H

/* By bv_ask, bv_order_type, bv_tif and bv_order_state; types and times in force are ended by NULL. */
extern const char *const bv_ask_name[];
extern const char *const bv_type_name[];
extern const char *const bv_tif_name[];
extern const char *const bv_state_name[];

#endif
