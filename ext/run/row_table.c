/* row_table.c - the tables of result rows, as lists of their columns; see row_table.h. */
#include "run/row_table.h"
#include "run/names.h"

#define OF(type, field) offsetof(bv_sim_##type, field)
#define FIRED(field)    (offsetof(bv_rows_firing, f) + OF(firing, field))

#define NUMBER(name, at)                                                                           \
  { name, BV_ROW_INT, BV_FROM_INT64, at, NULL }
#define SMALL(name, at)                                                                            \
  { name, BV_ROW_INT, BV_FROM_INT, at, NULL }
#define REF(name, at)                                                                              \
  { name, BV_ROW_REF, BV_FROM_INT64, at, NULL }
#define REAL(name, at)                                                                             \
  { name, BV_ROW_REAL, BV_FROM_DOUBLE, at, NULL }
#define TEXT(name, at)                                                                             \
  { name, BV_ROW_TEXT, BV_FROM_TEXT, at, NULL }
#define ASSET(at)                                                                                  \
  { "asset", BV_ROW_TEXT, BV_FROM_ASSET, at, NULL }
#define NAME(name, at, names)                                                                      \
  { name, BV_ROW_TEXT, BV_FROM_NAME, at, names }

static const bv_row_column order_columns[] = {
    NUMBER("id", OF(order, id)),
    NUMBER("ts", OF(order, ts)),
    NUMBER("done_ts", OF(order, done_ts)),
    ASSET(OF(order, asset)),
    NAME("ask", OF(order, ask), bv_ask_name),
    REAL("amount", OF(order, amount)),
    REAL("qty", OF(order, qty)),
    REAL("filled", OF(order, filled)),
    REAL("price", OF(order, avg_price)),
    NAME("state", OF(order, state), bv_state_name),
    TEXT("reason", OF(order, reason)),
    TEXT("tag", OF(order, tag)),
    NAME("order_type", OF(order, type), bv_type_name),
    REAL("limit_price", OF(order, limit)),
    REAL("stop_price", OF(order, stop)),
    REAL("trail_amount", OF(order, trail)),
    REAL("trail_percent", OF(order, trail_percent)),
    NAME("tif", OF(order, tif), bv_tif_name),
    REF("parent", OF(order, parent)),
};

static const bv_row_column fill_columns[] = {
    NUMBER("id", OF(fill, id)),
    NUMBER("order_id", OF(fill, order)),
    NUMBER("ts", OF(fill, ts)),
    ASSET(OF(fill, asset)),
    REAL("qty", OF(fill, qty)),
    REAL("price", OF(fill, price)),
    REAL("commission", OF(fill, commission)),
    REAL("slippage", OF(fill, slippage)),
    REAL("pnl", OF(fill, pnl)),
    REAL("position", OF(fill, position)),
    REAL("cash", OF(fill, cash)),
    SMALL("ambiguous", OF(fill, ambiguous)),
};

static const bv_row_column lot_columns[] = {
    NUMBER("id", OF(lot, id)),
    ASSET(OF(lot, asset)),
    REAL("qty", OF(lot, qty)),
    NUMBER("entry_ts", OF(lot, entry_ts)),
    NUMBER("exit_ts", OF(lot, exit_ts)),
    NUMBER("entry_fill", OF(lot, entry_fill)),
    NUMBER("exit_fill", OF(lot, exit_fill)),
    REAL("entry_price", OF(lot, entry_price)),
    REAL("exit_price", OF(lot, exit_price)),
    REAL("commission", OF(lot, commission)),
    REAL("pnl", OF(lot, pnl)),
    REAL("ret", OF(lot, ret)),
    NUMBER("bars", OF(lot, bars)),
    REAL("mae", OF(lot, mae)),
    REAL("mfe", OF(lot, mfe)),
    SMALL("open", OF(lot, open)),
    TEXT("tag", OF(lot, tag)),
};

static const bv_row_column flow_columns[] = {
    NUMBER("id", OF(flow, id)),   NUMBER("ts", OF(flow, ts)), TEXT("kind", OF(flow, kind)),
    ASSET(OF(flow, asset)),       REAL("qty", OF(flow, qty)), REAL("amount", OF(flow, amount)),
    REAL("cash", OF(flow, cash)),
};

static const bv_row_column margin_columns[] = {
    NUMBER("id", OF(margin, id)),           NUMBER("ts", OF(margin, ts)),
    TEXT("event", OF(margin, event)),       REAL("value", OF(margin, value)),
    REAL("required", OF(margin, required)), SMALL("orders", OF(margin, orders)),
};

static const bv_row_column risk_columns[] = {
    NUMBER("id", offsetof(bv_rows_firing, id)),
    NUMBER("ts", FIRED(ts)),
    ASSET(FIRED(asset)),
    TEXT("rule", FIRED(rule)),
    SMALL("number", FIRED(number)),
    REAL("value", FIRED(value)),
    REAL("limit", FIRED(limit)),
    TEXT("action", FIRED(action)),
    REF("order_id", FIRED(order)),
};

static const bv_row_column trigger_columns[] = {
    NUMBER("order_id", OF(trigger, order)),
    NUMBER("ts", OF(trigger, ts)),
    REAL("price", OF(trigger, stop)),
};

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))
#define TABLE(name, columns, type)                                                                 \
  { "bt_" name, name, columns, COUNT(columns), sizeof(type) }

const bv_row_table bv_row_tables[BV_ROWS_KINDS] = {
    [BV_ROWS_ORDER] = TABLE("order", order_columns, bv_sim_order),
    [BV_ROWS_FILL] = TABLE("fill", fill_columns, bv_sim_fill),
    [BV_ROWS_LOT] = TABLE("lot", lot_columns, bv_sim_lot),
    [BV_ROWS_FLOW] = TABLE("cash_flow", flow_columns, bv_sim_flow),
    [BV_ROWS_MARGIN] = TABLE("margin_call", margin_columns, bv_sim_margin),
    [BV_ROWS_RISK] = TABLE("risk", risk_columns, bv_rows_firing),
    [BV_ROWS_TRIGGER] = TABLE("trigger", trigger_columns, bv_sim_trigger),
};

_Static_assert(COUNT(order_columns) <= BV_ROW_COLUMNS_MAX, "room for every column");
_Static_assert(COUNT(fill_columns) <= BV_ROW_COLUMNS_MAX, "room for every column");
_Static_assert(COUNT(lot_columns) <= BV_ROW_COLUMNS_MAX, "room for every column");
