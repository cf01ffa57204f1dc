/* join_def.c - the definition of a join, from the arguments of CREATE VIRTUAL TABLE; see join_def.h. */
#include "data/join_def.h"
#include "base/text.h"
#include "time/asset.h"

#include <stdio.h>
#include <string.h>

#define MAX_SOURCES 32
#define MAX_WORD    2000

static const char *const keys[] = {"universe", "timestep", "signals",   "context", "timing",
                                   "lag",      "match",    "tolerance", "max_age", NULL};

/* A source as written. */
typedef struct written {
  bv_feature_spec spec;
  bool context;
} written;

typedef struct reader {
  sqlite3 *db;
  const char *schema;
  bv_join_def *def;
  bv_feature_spec defaults;
  written source[MAX_SOURCES];
  int nsource;
} reader;

/* ---- words ---- */

static const char *skip(const char *p) {
  return p + strspn(p, " \t\r\n,");
}

/* One word at *p: bare, or in quotes, where a doubled quote stands for itself.  *quote is the quote or 0. */
static bv_rc word(const char **p, char out[MAX_WORD], char *quote, bv_err *err) {
  const char *s = *p;
  size_t n = 0;
  *quote = *s == '\'' || *s == '"' ? *s++ : 0;
  for (;; s++) {
    if (*quote && *s == *quote && s[1] != *quote) break;
    if (*quote && *s == *quote) s++;
    if (!*s || (!*quote && strchr(" \t\r\n,=()'\"", *s))) break;
    if (n + 1 == MAX_WORD) return bv_fail(err, BV_ARG, "a text is longer than %d bytes", MAX_WORD);
    out[n++] = *s;
  }
  out[n] = 0;
  if (*quote && *s != *quote) return bv_fail(err, BV_ARG, "a quote is not closed: %.60s", *p);
  if (!*quote && n == 0)
    return bv_fail(err, BV_ARG, "a name or value is missing before '%.40s'", s);
  *p = *quote ? s + 1 : s;
  return BV_OK;
}

/* A value that fills the rest of the argument. */
static bv_rc last_word(const char *p, char out[MAX_WORD], char *quote, bv_err *err) {
  const char *at = p;
  /* a span such as 2 days needs no quotes here */
  if (*p && !strchr("'\"(", *p) && !strpbrk(p, ",=()'\"") && strlen(p) < MAX_WORD) {
    size_t n = strlen(p);
    while (n && strchr(" \t\r\n", p[n - 1])) n--;
    memcpy(out, p, n);
    out[n] = 0;
    *quote = 0;
    return n ? BV_OK : bv_fail(err, BV_ARG, "a value is missing");
  }
  BV_TRY(word(&at, out, quote, err));
  at = skip(at);
  return *at ? bv_fail(err, BV_ARG, "'%.40s' is one too many", at) : BV_OK;
}

/* ---- sources ---- */

static bv_rc set_option(written *w, const char *key, const char *value, bv_err *err) {
  bv_rc rc = bv_feature_set(&w->spec, key, value);
  if (rc != BV_NOTFOUND) return rc;
  const char *near = bv_nearest(key, bv_feature_keys);
  return bv_fail(err, BV_ARG,
                 "%s '%.40s': unknown option '%.40s'%s%s%s; options are match, timing, lag, "
                 "tolerance, max_age, span, ts, asset, known_at, columns",
                 w->context ? "context" : "signals", w->spec.name, key,
                 near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static bv_rc set_name(written *w, const char *name) {
  w->spec.name = bv_strdup(BV_MEM_CURSOR, name);
  return w->spec.name ? BV_OK : BV_NOMEM;
}

/* "(name key=value ...)" */
static bv_rc read_listed(written *w, const char *p, bv_err *err) {
  char name[MAX_WORD], value[MAX_WORD], quote;
  p = skip(p + 1);
  BV_TRY(word(&p, name, &quote, err));
  BV_TRY(set_name(w, name));
  for (;;) {
    p = skip(p);
    if (*p == ')') break;
    BV_TRY(word(&p, name, &quote, err));
    p = skip(p);
    if (*p != '=') {
      return bv_fail(err, BV_ARG, "option '%.40s' has no value; write %.40s=...", name, name);
    }
    p = skip(p + 1);
    BV_TRY(word(&p, value, &quote, err));
    BV_TRY(set_option(w, name, value, err));
  }
  p = skip(p + 1);
  return *p ? bv_fail(err, BV_ARG, "'%.40s' is one too many", p) : BV_OK;
}

static bv_rc read_source(reader *r, const char *p, bool context, bv_err *err) {
  char name[MAX_WORD], quote;
  if (r->nsource == MAX_SOURCES) {
    return bv_fail(err, BV_LIMIT, "there are more than %d sources", MAX_SOURCES);
  }
  written *w = &r->source[r->nsource++];
  w->context = context;
  if (*p == '(') return read_listed(w, p, err);
  BV_TRY(last_word(p, name, &quote, err));
  return set_name(w, name);
}

/* ---- the rest ---- */

static bv_rc add_asset(bv_join_def *d, const char *p, size_t n, bv_err *err) {
  bv_err why = {0};
  char **more = bv_realloc(BV_MEM_CURSOR, d->asset, (size_t)(d->nasset + 1) * sizeof *more);
  if (!more) return BV_NOMEM;
  d->asset = more;
  if (bv_asset_check(p, n, &why) != BV_OK) return bv_fail(err, BV_ARG, "universe: %s", why.msg);
  d->asset[d->nasset] = bv_strndup(BV_MEM_CURSOR, p, n);
  return d->asset[d->nasset] ? (d->nasset++, BV_OK) : BV_NOMEM;
}

/* 'A, B' lists assets; a bare name, or one in double quotes, is a table. */
static bv_rc read_universe(reader *r, const char *p, bv_err *err) {
  char text[MAX_WORD], quote;
  bv_join_def *d = r->def;
  BV_TRY(last_word(p, text, &quote, err));
  if (d->nasset || d->universe_table) return bv_fail(err, BV_ARG, "universe is given twice");
  if (quote != '\'') {
    char *q = sqlite3_mprintf("\"%w\"", text);
    if (q) d->universe_table = bv_strdup(BV_MEM_CURSOR, q);
    sqlite3_free(q);
    return d->universe_table ? BV_OK : BV_NOMEM;
  }
  for (const char *s = text; *s;) {
    size_t n = strcspn(s, ","), from = strspn(s, " "), to = n;
    while (to > from && s[to - 1] == ' ') to--;
    if (from < to) BV_TRY(add_asset(d, s + from, to - from, err));
    s += n + (s[n] == ',');
  }
  return d->nasset ? BV_OK : bv_fail(err, BV_ARG, "universe is an empty list of assets");
}

static bv_rc read_timestep(reader *r, const char *p, bv_err *err) {
  char text[MAX_WORD], quote;
  bv_err why = {0};
  BV_TRY(last_word(p, text, &quote, err));
  if (bv_timestep_parse(text, strlen(text), &r->def->step, &why) != BV_OK) {
    return bv_fail(err, BV_ARG, "timestep: %s", why.msg);
  }
  bv_timestep_format(r->def->step, r->def->step_text);
  return BV_OK;
}

static bv_rc read_default(reader *r, const char *key, const char *p, bv_err *err) {
  char value[MAX_WORD], quote;
  BV_TRY(last_word(p, value, &quote, err));
  return bv_feature_set(&r->defaults, key, value);
}

static bv_rc read_argument(reader *r, const char *arg, bv_err *err) {
  char key[MAX_WORD], quote;
  const char *p = skip(arg);
  BV_TRY(word(&p, key, &quote, err));
  p = skip(p);
  if (*p != '=') {
    return bv_fail(
        err, BV_ARG,
        "argument '%.60s' has no value; write for example bars_feed(universe='SPY, AAPL', "
        "timestep=minute, signals=scores)",
        arg);
  }
  p = skip(p + 1);
  if (bv_text_ieq(key, "universe")) return read_universe(r, p, err);
  if (bv_text_ieq(key, "timestep")) return read_timestep(r, p, err);
  if (bv_text_ieq(key, "signals")) return read_source(r, p, false, err);
  if (bv_text_ieq(key, "context")) return read_source(r, p, true, err);
  for (int i = 4; keys[i]; i++) {
    if (bv_text_ieq(key, keys[i])) return read_default(r, key, p, err);
  }
  const char *near = bv_nearest(key, keys);
  return bv_fail(
      err, BV_ARG,
      "unknown argument '%.40s'%s%s%s; arguments are universe, timestep, signals, context, "
      "timing, lag, match, tolerance, max_age",
      key, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static bv_rc open_sources(reader *r, bv_err *err) {
  bv_join_def *d = r->def;
  d->source = bv_alloc0(BV_MEM_CURSOR, (size_t)r->nsource * sizeof *d->source);
  if (!d->source) return BV_NOMEM;
  for (int k = 0; k < r->nsource; k++) {
    BV_TRY(bv_feature_open(r->db, r->schema, &r->source[k].spec, &r->defaults, r->source[k].context,
                           &d->source[k], err));
    d->nsource++;
  }
  return BV_OK;
}

static bv_rc read_all(reader *r, int narg, const char *const *arg, bv_err *err) {
  for (int i = 0; i < narg; i++) {
    if (*skip(arg[i])) BV_TRY(read_argument(r, arg[i], err));
  }
  if (!r->def->step_text[0]) {
    return bv_fail(err, BV_ARG,
                   "missing argument timestep; write for example bars_feed(universe='SPY, AAPL', "
                   "timestep=minute, signals=scores)");
  }
  return open_sources(r, err);
}

bv_rc bv_join_def_read(sqlite3 *db, const char *schema, const char *name, int narg,
                       const char *const *arg, bv_join_def *out, bv_err *err) {
  *out = (bv_join_def){.name = bv_strdup(BV_MEM_CURSOR, name)};
  reader r = {.db = db, .schema = schema, .def = out};
  bv_rc rc = out->name ? read_all(&r, narg, arg, err) : BV_NOMEM;
  bv_feature_spec_reset(&r.defaults);
  for (int k = 0; k < r.nsource; k++) bv_feature_spec_reset(&r.source[k].spec);
  if (rc != BV_OK) bv_join_def_reset(out);
  return rc;
}
