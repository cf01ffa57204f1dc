/*
** pending_table.c - bt_pending: the orders that wait, as a strategy of step mode sees them.
**
** Outside a run there are none.  In set mode a view is read ahead of its time, so the table is an error there, like
** bt_qty().
*/
#include "api/functions.h"
#include "api/list_table.h"
#include "run/names.h"
#include "run/run.h"

#include <math.h>

static bv_rc put_flag(bv_list *out, bool flag) {
  return bv_list_int(out, flag ? 1 : 0);
}

static bv_rc put_id(bv_list *out, int64_t id) {
  return id ? bv_list_int(out, id) : bv_list_null(out);
}

static bv_rc put_row(const bv_sim *sim, const bv_sim_waiting *w, bv_list *out) {
  const bv_sim_order *o = &w->order;
  const char *state = w->dormant ? "dormant" : o->filled != 0 ? "partially filled" : "waiting";
  BV_TRY(bv_list_int(out, o->id));
  BV_TRY(bv_list_int(out, o->ts));
  BV_TRY(bv_list_text(out, bv_sim_asset_key(sim, o->asset)));
  BV_TRY(bv_list_text(out, o->tag));
  BV_TRY(bv_list_text(out, state));
  BV_TRY(bv_list_text(out, bv_type_name[o->type]));
  BV_TRY(bv_list_text(out, bv_ask_name[o->ask]));
  BV_TRY(bv_list_real(out, o->amount));
  BV_TRY(bv_list_real(out, o->qty));
  BV_TRY(bv_list_real(out, o->filled));
  BV_TRY(bv_list_real(out, o->qty - o->filled));
  BV_TRY(bv_list_real(out, o->limit));
  BV_TRY(bv_list_real(out, o->stop));
  BV_TRY(bv_list_real(out, o->trail));
  BV_TRY(bv_list_real(out, o->trail_percent));
  BV_TRY(put_flag(out, w->triggered));
  BV_TRY(bv_list_text(out, bv_tif_name[o->tif]));
  BV_TRY(w->until == INT64_MAX ? bv_list_null(out) : bv_list_int(out, w->until));
  BV_TRY(bv_list_text(out, w->oco));
  BV_TRY(put_flag(out, w->reduce_only));
  BV_TRY(put_id(out, o->parent));
  return bv_list_text(out, w->combo);
}

static bv_rc fill_pending(bv_store *s, bv_list *out, sqlite3_value *const *arg, bv_err *err) {
  (void)arg;
  const bv_run *r = s->run;
  if (!r || !r->sim) return BV_OK;
  if (r->strategy.set_mode) {
    return bv_fail(err, BV_ARG,
                   "bt_pending: the account is known in step mode only; leave the column known_at "
                   "out of the view");
  }
  bv_sim_waiting w;
  for (size_t i = 0; bv_sim_waiting_at(r->sim, i, &w); i++) BV_TRY(put_row(r->sim, &w, out));
  return BV_OK;
}

int bv_pending_register(sqlite3 *db, bv_store *s) {
  static const bv_list_def table = {
      .name = "bt_pending",
      .columns =
          "id INTEGER, ts INTEGER, asset TEXT, tag TEXT, state TEXT, order_type TEXT, ask TEXT,"
          " amount REAL, qty REAL, filled REAL, remaining REAL, limit_price REAL,"
          " stop_price REAL, trail_amount REAL, trail_percent REAL, triggered INTEGER,"
          " tif TEXT, expire_at INTEGER, oco TEXT, reduce_only INTEGER, parent INTEGER, combo TEXT",
      .ncolumn = 22,
      .fill = fill_pending};
  return bv_list_register(db, s, &table);
}
