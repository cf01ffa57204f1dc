/* names.c - what asks, order types, times in force and states are called in SQL; see names.h. */
#include "run/names.h"

#include "sim/sim.h"

#include <stddef.h>

const char *const bv_ask_name[] = {
    [BV_ASK_WEIGHT] = "target_weight", [BV_ASK_VALUE] = "target_value",
    [BV_ASK_TARGET] = "target_qty",    [BV_ASK_QTY] = "qty",
    [BV_ASK_CANCEL] = "cancel",        [BV_ASK_COMBO] = "combo"};

const char *const bv_type_name[] = {[BV_TYPE_MARKET] = "market",
                                    [BV_TYPE_LIMIT] = "limit",
                                    [BV_TYPE_STOP] = "stop",
                                    [BV_TYPE_STOP_LIMIT] = "stop_limit",
                                    [BV_TYPE_TRAIL] = "trailing_stop",
                                    [BV_TYPE_TRAIL_LIMIT] = "trailing_stop_limit",
                                    [BV_TYPE_MIT] = "market_if_touched",
                                    [BV_TYPE_LIT] = "limit_if_touched",
                                    [BV_TYPE_MARKET_ON_OPEN] = "market_on_open",
                                    [BV_TYPE_MARKET_ON_CLOSE] = "market_on_close",
                                    [BV_TYPE_LIMIT_ON_OPEN] = "limit_on_open",
                                    [BV_TYPE_LIMIT_ON_CLOSE] = "limit_on_close",
                                    NULL};

const char *const bv_tif_name[] = {
    [BV_TIF_GTC] = "gtc", [BV_TIF_DAY] = "day", [BV_TIF_GTD] = "gtd", [BV_TIF_IOC] = "ioc",
    [BV_TIF_FOK] = "fok", [BV_TIF_OPG] = "opg", [BV_TIF_CLS] = "cls", NULL};

const char *const bv_state_name[] = {[BV_ORDER_FILLED] = "filled",
                                     [BV_ORDER_CANCELLED] = "cancelled",
                                     [BV_ORDER_REJECTED] = "rejected",
                                     [BV_ORDER_EXPIRED] = "expired"};
