/* bars_plan.c - choosing a plan for bars, bars_agg and bars_asof; the plan's form is described in
** bars_table.h. */
#include "api/args.h"
#include "api/bars_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TERM 32

typedef struct plan {
  const bv_bars_kind *kind;
  sqlite3_index_info *info;
  char letter[MAX_TERM + 1];
  int n;
  int arg[BV_NFIELD]; /* constraint that binds an argument, or -1 */
  bool unusable[BV_NFIELD];
  bool collated[BV_NFIELD]; /* compared by another collation than BINARY */
  bool extra;               /* a value is given for the row handle */
  bool many;                /* asset IN (...) taken whole */
  int bounds;               /* 1 lower, 2 upper, 4 equal */
} plan;

static bv_field field_of(const bv_bars_kind *k, int col) {
  return col >= 0 && col < k->nfield ? (bv_field)k->field[col] : BV_NFIELD;
}

static void use(plan *p, int term, char letter, bool omit) {
  p->letter[p->n++] = letter;
  p->info->aConstraintUsage[term].argvIndex = p->n;
  p->info->aConstraintUsage[term].omit = omit;
}

/* Find the constraints that give arguments. */
static void find_arguments(plan *p) {
  for (int f = 0; f < BV_NFIELD; f++) p->arg[f] = -1;
  for (int i = 0; i < p->info->nConstraint; i++) {
    const struct sqlite3_index_constraint *c = &p->info->aConstraint[i];
    if (c->op != SQLITE_INDEX_CONSTRAINT_EQ) continue;
    bv_field f = field_of(p->kind, c->iColumn);
    if (f == BV_F_HANDLE) p->extra = true; /* bars('A', 'day', 1, 2, 3): it follows the arguments */
    if (f < BV_FIRST_ARG || f == BV_NFIELD) continue;
    if (!c->usable) {
      p->unusable[f] = true;
    } else if (strcmp(sqlite3_vtab_collation(p->info, i), "BINARY") != 0) {
      p->collated[f] = true; /* names are found by their bytes: the core tests this one */
    } else if (p->arg[f] < 0) {
      p->arg[f] = i;
    }
  }
}

static char ts_letter(int op) {
  switch (op) {
  case SQLITE_INDEX_CONSTRAINT_EQ: return '=';
  case SQLITE_INDEX_CONSTRAINT_GT: return '>';
  case SQLITE_INDEX_CONSTRAINT_GE: return '}';
  case SQLITE_INDEX_CONSTRAINT_LT: return '<';
  case SQLITE_INDEX_CONSTRAINT_LE: return '{';
  default: return 0;
  }
}

/* The value known_at is compared with bounds the time at most from above, and the core tests it again. */
static void use_known_at(plan *p, int term, char letter) {
  bool above = letter == '>' || letter == '}';
  use(p, term, above ? '?' : ']', false);
  if (!above) p->bounds |= 2;
}

static void use_times(plan *p) {
  for (int i = 0; i < p->info->nConstraint && p->n < MAX_TERM; i++) {
    const struct sqlite3_index_constraint *c = &p->info->aConstraint[i];
    char letter = ts_letter(c->op);
    bv_field f = field_of(p->kind, c->iColumn);
    if (!letter || !c->usable || (f != BV_F_TS && f != BV_F_KNOWN_AT)) continue;
    if (p->kind->asof) continue; /* its one row is found first, then tested */
    if (letter == '=' && sqlite3_vtab_in(p->info, i, -1)) continue; /* IN (...): the core loops */
    if (f == BV_F_KNOWN_AT) {
      use_known_at(p, i, letter);
      continue;
    }
    use(p, i, letter, true);
    p->bounds |= letter == '=' ? 4 : letter == '>' || letter == '}' ? 1 : 2;
  }
}

static void use_arguments(plan *p) {
  for (int f = BV_FIRST_ARG; f < BV_NFIELD; f++) {
    if (p->arg[f] < 0) continue;
    char letter = (char)('a' + (f - BV_FIRST_ARG));
    if (f == BV_F_ASSET) {
      p->many = sqlite3_vtab_in(p->info, p->arg[f], 1);
      letter = p->many ? 'M' : 'A';
    }
    use(p, p->arg[f], letter, true);
    if (f == BV_F_START) p->bounds |= 1;
    if (f == BV_F_END) p->bounds |= 2;
  }
}

/* ORDER BY that a walk over time gives by itself: [ts] and [known_at], over several assets by merging
** their streams; [asset, ...], because the streams stand in order of the assets' names. */
static int order_plan(plan *p) {
  sqlite3_index_info *info = p->info;
  int at = 0;
  if (info->nOrderBy == 0) return 0;
  if (field_of(p->kind, info->aOrderBy[0].iColumn) == BV_F_ASSET) {
    if (p->many && info->aOrderBy[0].desc) return 0;
    at = 1;
  }
  if (at == info->nOrderBy) {
    info->orderByConsumed = 1;
    return 0;
  }
  if (info->nOrderBy != at + 1) return 0;
  bv_field f = field_of(p->kind, info->aOrderBy[at].iColumn);
  if (f != BV_F_TS && f != BV_F_KNOWN_AT) return 0;
  info->orderByConsumed = 1;
  return (info->aOrderBy[at].desc ? BV_PLAN_DESC : 0) | (p->many && at == 0 ? BV_PLAN_MERGE : 0) |
         (f == BV_F_KNOWN_AT ? BV_PLAN_KNOWN : 0);
}

static int column_mask(const plan *p) {
  unsigned mask = 0;
  for (int col = 0; col < p->kind->nfield; col++) {
    if (!(p->info->colUsed >> col & 1)) continue;
    bv_column c = bv_field_column((bv_field)p->kind->field[col]);
    if (c != BV_COL_NONE) mask |= BV_COLBIT(c);
  }
  return (int)(mask << BV_PLAN_MASK_SHIFT);
}

/* An integer literal on the right side of a term, if the core can tell at planning time. */
static bool literal(const plan *p, int term, int64_t *out) {
  sqlite3_value *v;
  if (term < 0 || sqlite3_vtab_rhs_value(p->info, term, &v) != SQLITE_OK) return false;
  return bv_arg_instant(v, bv_zone_utc(), "", "", out, NULL) == BV_OK;
}

/* Rows a plan gives.  Where asset and timestep are literals the store knows the span; bars cover
** about a quarter of the clock for intraday data and two thirds of the days, which is near enough
** to order joins. */
static double estimate_rows(plan *p, bv_store *s) {
  double rows = 250000;
  sqlite3_value *asset, *step;
  if (p->kind->asof || (p->bounds & 4)) return 1;
  const bv_series *found = NULL;
  int64_t first = 0, last = 0, n = 0;
  if (!p->many && p->arg[BV_F_ASSET] >= 0 && p->arg[BV_F_TIMESTEP] >= 0 &&
      sqlite3_vtab_rhs_value(p->info, p->arg[BV_F_ASSET], &asset) == SQLITE_OK &&
      sqlite3_vtab_rhs_value(p->info, p->arg[BV_F_TIMESTEP], &step) == SQLITE_OK &&
      bv_arg_text(asset) && bv_arg_text(step) &&
      bv_series_find(s, bv_arg_text(asset), bv_arg_text(step), &found, NULL) == BV_OK && found &&
      bv_series_span(s, found, &first, &last, &n, NULL) == BV_OK && n > 0) {
    int64_t lo = first, hi = last, t;
    bool lo_known = literal(p, p->arg[BV_F_START], &t) && ((lo = t > lo ? t : lo), true);
    bool hi_known = literal(p, p->arg[BV_F_END], &t) && ((hi = t < hi ? t : hi), true);
    double share = last > first ? ((double)hi - (double)lo) / ((double)last - (double)first) : 1;
    rows = (double)n * (share > 0 ? share : 0) + 1;
    if (((p->bounds & 1) && !lo_known) || ((p->bounds & 2) && !hi_known)) rows /= 20;
    return rows < 2 ? 2 : rows;
  }
  if (p->bounds) rows = p->bounds == 3 ? 1000 : 50000;
  return p->many ? rows * 10 : rows;
}

/* A plan without asset or timestep cannot run, but it must not be an error here: for WHERE ... AND
** (x OR y) the core also asks for plans of x and y alone.  No other plan is worse, and running this one
** says what is wrong. */
static int set_wrong(sqlite3_index_info *info, char what, const char *name) {
  info->idxStr = sqlite3_mprintf("%c%s", what, name);
  if (!info->idxStr) return SQLITE_NOMEM;
  info->needToFreeIdxStr = 1;
  info->estimatedRows = INT64_C(1) << 60;
  info->estimatedCost = 1e90;
  return SQLITE_OK;
}

static int set_missing(const plan *p, bv_field f, const char *name) {
  return set_wrong(p->info, p->collated[f] ? BV_PLAN_COLLATED : BV_PLAN_MISSING, name);
}

int bv_bars_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
  bv_bars_tab *tab = (bv_bars_tab *)base;
  plan p = {.kind = tab->kind, .info = info};
  find_arguments(&p);
  for (int f = BV_FIRST_ARG; f < BV_NFIELD; f++) {
    if (p.arg[f] < 0 && p.unusable[f]) return SQLITE_CONSTRAINT; /* another join order has it */
  }
  if (p.extra) return set_wrong(info, BV_PLAN_EXTRA, "");
  if (p.arg[BV_F_ASSET] < 0) return set_missing(&p, BV_F_ASSET, "asset");
  if (p.arg[BV_F_TIMESTEP] < 0) return set_missing(&p, BV_F_TIMESTEP, "timestep");
  use_arguments(&p);
  use_times(&p);
  int num = order_plan(&p) | column_mask(&p);
  double rows = estimate_rows(&p, tab->store);
  info->idxNum = num;
  info->idxStr = sqlite3_mprintf("%s", p.letter);
  if (!info->idxStr) return SQLITE_NOMEM;
  info->needToFreeIdxStr = 1;
  info->estimatedRows = (sqlite3_int64)rows;
  info->estimatedCost = 20 + rows;
  if (!p.many && (p.kind->asof || (p.bounds & 4))) info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
  return SQLITE_OK;
}
