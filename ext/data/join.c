/* join.c - prices with signals and context, merged point in time; see join.h. */
#include "data/join.h"
#include "data/join_ahead.h"
#include "data/join_back.h"
#include "data/join_universe.h"

struct bv_join {
  bool desc;
  union {
    bv_ahead ahead;
    bv_back back;
  } u;
};

bv_rc bv_join_open(bv_store *s, bv_join_def *def, const bv_join_request *q, bv_join **out,
                   bv_err *err) {
  bv_name_list asset;
  *out = NULL;
  if (def->reading) {
    return bv_fail(err, BV_ARG, "%s: one of its sources reads %s itself", def->name, def->name);
  }
  BV_TRY(bv_join_universe(s, def, q->asset, q->nasset, &asset, err));
  bv_join *j = bv_alloc0(BV_MEM_CURSOR, sizeof *j);
  bv_rc rc = j ? BV_OK : BV_NOMEM;
  if (j) j->desc = q->desc;
  if (rc == BV_OK) {
    rc = q->desc ? bv_back_open(&j->u.back, s, def, q, asset.name, asset.n, err)
                 : bv_ahead_open(&j->u.ahead, s, def, q, asset.name, asset.n, err);
  }
  bv_name_list_reset(&asset);
  if (rc != BV_OK) {
    bv_join_close(j);
    return rc;
  }
  *out = j;
  return BV_OK;
}

void bv_join_close(bv_join *j) {
  if (!j) return;
  if (j->desc) {
    bv_back_close(&j->u.back);
  } else {
    bv_ahead_close(&j->u.ahead);
  }
  bv_free(j);
}

const bv_tile *bv_join_tile(const bv_join *j) {
  return j->desc ? &j->u.back.tile : &j->u.ahead.tile;
}

bv_rc bv_join_next(bv_join *j, bv_err *err) {
  return j->desc ? bv_back_next(&j->u.back, err) : bv_ahead_next(&j->u.ahead, err);
}

int bv_join_lanes(const bv_join *j) {
  return j->desc ? j->u.back.n : j->u.ahead.nlane;
}

const bv_source *bv_join_source(const bv_join *j, int lane) {
  return j->desc ? &j->u.back.stream[lane].src : &j->u.ahead.lane[lane].src;
}

const bv_stream *bv_join_stream(bv_join *j, int row) {
  if (j->desc) return &j->u.back.stream[j->u.back.tile.lane[row]];
  bv_lane *l = &j->u.ahead.lane[j->u.ahead.tile.lane[row]];
  l->stream.i = l->at + j->u.ahead.tile.bar[row];
  return &l->stream;
}

void bv_join_def_reset(bv_join_def *def) {
  for (int i = 0; i < def->nasset; i++) bv_free(def->asset[i]);
  for (int k = 0; k < def->nsource; k++) bv_feature_close(&def->source[k]);
  bv_free(def->asset);
  bv_free(def->source);
  bv_free(def->universe_table);
  bv_free(def->name);
  *def = (bv_join_def){0};
}
