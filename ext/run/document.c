/* document.c - one JSON document that describes a backtest; see document.h. */
#define _POSIX_C_SOURCE 200809L
#include "run/document.h"
#include "base/text.h"
#include "data/sql.h"
#include "run/config.h"
#include "run/doc_key.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_BYTES  (8 << 20)
#define MOST_ERRORS 200

/* ---- errors ---- */

bv_rc bv_document_error(bv_document *d, const char *path, const char *fmt, ...) {
  char message[512];
  va_list args;
  if (d->nerror == MOST_ERRORS) return BV_OK;
  va_start(args, fmt);
  vsnprintf(message, sizeof message, fmt, args);
  va_end(args);
  BV_TRY(bv_room(BV_MEM_RUN, &d->error, d->nerror, sizeof *d->error));
  bv_doc_error *e = &d->error[d->nerror];
  *e = (bv_doc_error){bv_strdup(BV_MEM_RUN, path), bv_strdup(BV_MEM_RUN, message)};
  d->nerror++;
  return e->path && e->message ? BV_OK : BV_NOMEM;
}

bv_rc bv_document_fail(const bv_document *d, bv_err *err) {
  enum { SHOWN = 3 };
  char text[440];
  size_t n = 0;
  for (int i = 0; i < d->nerror && i < SHOWN && n < sizeof text; i++) {
    n += (size_t)snprintf(text + n, sizeof text - n, "%s%s: %s", i ? "; " : "", d->error[i].path,
                          d->error[i].message);
  }
  if (d->nerror <= SHOWN) return bv_fail(err, BV_ARG, "%s", text);
  return bv_fail(err, BV_ARG, "%d errors, of which bt_check() lists all: %.380s", d->nerror, text);
}

void bv_document_reset(bv_document *d) {
  for (int i = 0; i < d->nerror; i++) {
    bv_free(d->error[i].path);
    bv_free(d->error[i].message);
  }
  bv_free(d->error);
  size_t at = 0;
  for (const bv_map_entry *e; (e = bv_map_next(&d->text, &at));) bv_free(e->value);
  bv_map_reset(&d->text);
  bv_buf_reset(&d->flat);
  bv_buf_reset(&d->stored);
  d->error = NULL;
  d->nerror = 0;
}

const char *bv_document_text(const bv_document *d, const char *path) {
  return bv_map_find(&d->text, path, strlen(path));
}

static bv_rc keep_text(bv_document *d, const char *path, const char *value) {
  char *copy = bv_strdup(BV_MEM_RUN, value);
  if (!copy) return BV_NOMEM;
  char *old = bv_map_find(&d->text, path, strlen(path));
  bv_rc rc = bv_map_put(&d->text, path, strlen(path), copy);
  bv_free(rc == BV_OK ? old : copy);
  return rc;
}

/* ---- ${NAME} ---- */

static bool name_char(char c, bool first) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         (!first && c >= '0' && c <= '9');
}

/* The variable that p, at a "${", names; *after is behind its "}".  False where it is none. */
static bool variable(const char *p, char name[64], const char **after) {
  size_t n = 0;
  for (p += 2; n < 63 && name_char(*p, n == 0); p++) name[n++] = *p;
  name[n] = 0;
  *after = p + 1;
  return n > 0 && *p == '}';
}

bv_rc bv_expand(const char *text, char **out, char missing[64]) {
  bv_buf b;
  bv_rc rc = BV_OK;
  bv_buf_init(&b, BV_MEM_RUN, MOST_BYTES);
  missing[0] = 0;
  while (rc == BV_OK && *text) {
    const char *at = strstr(text, "${"), *after;
    char name[64];
    const size_t plain = at ? (size_t)(at - text) : strlen(text);
    rc = bv_buf_add(&b, text, plain);
    text += plain;
    if (rc != BV_OK || !at) break;
    if (!variable(at, name, &after)) {
      rc = bv_buf_add(&b, text, 2);
      text += 2;
      continue;
    }
    const char *value = getenv(name);
    if (!value && !missing[0]) snprintf(missing, 64, "%s", name);
    rc = bv_buf_adds(&b, value ? value : "");
    text = after;
  }
  *out = rc == BV_OK ? bv_strdup(BV_MEM_RUN, bv_buf_text(&b)) : NULL;
  bv_buf_reset(&b);
  return rc == BV_OK && !*out ? BV_NOMEM : rc;
}

/* ---- one member ---- */

typedef struct member {
  const char *full;    /* "$.execution.initial_capital" */
  const char *path;    /* "execution.initial_capital" */
  const char *type;    /* as json_tree has it */
  const char *json;    /* the value as JSON, as written */
  const char *written; /* of a text: itself; of others the same as json */
  const char *value;   /* the same with variables expanded */
  const char *used;    /* the value as JSON, as used */
} member;

static bool is_text(const member *m) {
  return strcmp(m->type, "text") == 0;
}

static bool is_number(const member *m) {
  return strcmp(m->type, "integer") == 0 || strcmp(m->type, "real") == 0;
}

static bool is_tree(const member *m) {
  return strcmp(m->type, "object") == 0 || strcmp(m->type, "array") == 0;
}

static bv_rc unknown(bv_document *d, const member *m) {
  const char *names[160];
  const char *dot = strrchr(m->path, '.'), *last = dot ? dot + 1 : m->path;
  bv_doc_near(m->path, names, 160);
  const char *near = bv_nearest(last, names);
  return near ? bv_document_error(d, m->full, "unknown key; did you mean '%s'?", near)
              : bv_document_error(d, m->full, "unknown key");
}

static bv_rc add_flat(bv_document *d, const char *key, const char *used, const char *written) {
  BV_TRY(bv_buf_addf(&d->flat, "%s\"%s\":%s", d->flat.n > 1 ? "," : "", key, used));
  return bv_buf_addf(&d->stored, "%s\"%s\":%s", d->stored.n > 1 ? "," : "", key, written);
}

/* Whether an error is SQLite's or the system's, not one of the document's. */
static bool not_its_fault(bv_rc rc, const bv_err *why) {
  return why->native != 0 ||
         (rc != BV_ARG && rc != BV_NOTFOUND && rc != BV_RANGE && rc != BV_LIMIT);
}

static bv_rc pass_on(bv_document *d, bv_rc rc, const bv_err *why) {
  d->failed = *why;
  return rc;
}

/* A value for the flat configuration, checked by itself; what hangs on several is checked at the end. */
static bv_rc put_flat(bv_store *s, bv_document *d, const member *m, const char *key,
                      const char *used) {
  bv_run_config config;
  bv_err why = {0};
  char *one = sqlite3_mprintf("{\"%s\":%s}", key, used);
  if (!one) return BV_NOMEM;
  bv_rc rc = bv_run_config_parse(s->db, one, s->zone, &config, &why);
  if (rc == BV_OK) bv_run_config_reset(&config);
  sqlite3_free(one);
  if (rc == BV_OK) return add_flat(d, key, used, m->json);
  if (not_its_fault(rc, &why)) return pass_on(d, rc, &why);
  const char *text = bv_err_text(&why, rc);
  return bv_document_error(d, m->full, "%s", strncmp(text, "config: ", 8) ? text : text + 8);
}

/* A number out of the environment is a text there. */
static bool number_out_of_text(const member *m) {
  double x;
  return is_text(m) && strstr(m->written, "${") &&
         bv_parse_f64(m->value, strlen(m->value), &x) == BV_OK &&
         m->value[strspn(m->value, "0123456789+-.eE")] == 0;
}

static bv_rc flat(bv_store *s, bv_document *d, const member *m, const char *key) {
  const bool number = number_out_of_text(m);
  return put_flat(s, d, m, key, number ? m->value : m->used);
}

/* The entry of a map for a value: "in>to" or "in"; false where there is none. */
static bool map_entry(const char *map, const char *value, const char **to, size_t *n) {
  const size_t len = strlen(value);
  for (const char *p = map; *p;) {
    const size_t whole = strcspn(p, ";");
    const char *arrow = memchr(p, '>', whole);
    const size_t in = arrow ? (size_t)(arrow - p) : whole;
    if (in == len && bv_text_ieqn(p, in, value)) {
      *to = arrow ? arrow + 1 : p + whole;
      *n = arrow ? whole - in - 1 : 0;
      return true;
    }
    p += whole + (p[whole] == ';');
  }
  return false;
}

static bv_rc mapped(bv_store *s, bv_document *d, const member *m, const bv_doc_key *k) {
  const char *to;
  char key[64];
  size_t n;
  if (!map_entry(k->to, m->value, &to, &n)) {
    return bv_document_error(d, m->full, "%.60s is not taken here: %s", m->value, k->doc);
  }
  if (n == 0) return BV_OK;
  const size_t name = strcspn(to, "=");
  snprintf(key, sizeof key, "%.*s", (int)name, to);
  char *value = bv_strndup(BV_MEM_RUN, to + name + 1, n - name - 1);
  if (!value) return BV_NOMEM;
  const member as = {.full = m->full, .json = value};
  bv_rc rc = put_flat(s, d, &as, key, value);
  bv_free(value);
  return rc;
}

static bv_rc file(bv_document *d, const member *m) {
  const bool pattern = strpbrk(m->value, "*?") != NULL;
  if (!pattern && access(m->value, R_OK) != 0) {
    BV_TRY(bv_document_error(d, m->full, "there is no file '%.300s' that can be read", m->value));
  }
  return keep_text(d, m->path, m->value);
}

static bv_rc wrong_type(bv_document *d, const member *m, const char *want) {
  return bv_document_error(d, m->full, "must be %s, not %s", want, m->type);
}

static bv_rc table_key(bv_store *s, bv_document *d, const member *m, const bv_doc_key *k) {
  switch (k->kind) {
  case BV_DOC_SECTION: return wrong_type(d, m, "an object");
  case BV_DOC_TEXT:
    return is_text(m) ? keep_text(d, m->path, m->value) : wrong_type(d, m, "a text");
  case BV_DOC_FILE: return is_text(m) ? file(d, m) : wrong_type(d, m, "a text");
  case BV_DOC_NUMBER:
    return is_number(m) || number_out_of_text(m) ? keep_text(d, m->path, m->value)
                                                 : wrong_type(d, m, "a number");
  case BV_DOC_TREE:
    return is_tree(m) ? keep_text(d, m->path, m->used) : wrong_type(d, m, "a list or an object");
  case BV_DOC_ANY: return BV_OK;
  case BV_DOC_FLAT: return flat(s, d, m, k->to);
  case BV_DOC_MAP: return mapped(s, d, m, k);
  case BV_DOC_RISK:
  default:
    if (!is_number(m) && !number_out_of_text(m)) return wrong_type(d, m, "a number");
    return keep_text(d, m->path, m->value);
  }
}

static bv_rc say_missing(bv_document *d, const char *path, const char *name) {
  return name[0] ? bv_document_error(d, path, "the environment variable %s is not defined", name)
                 : BV_OK;
}

/* One JSON text out of another. */
static bv_rc change(bv_store *s, const char *sql, const char *a, const char *b, const char *c,
                    char **out, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  BV_TRY(bv_sql_prepare(s->db, sql, &st, err));
  sqlite3_bind_text(st, 1, a, -1, SQLITE_STATIC);
  if (b) sqlite3_bind_text(st, 2, b, -1, SQLITE_STATIC);
  if (c) sqlite3_bind_text(st, 3, c, -1, SQLITE_STATIC);
  bv_rc rc = bv_sql_row(s->db, st, &row, err, "document");
  *out = rc == BV_OK ? bv_strdup(BV_MEM_RUN, bv_sql_text(st, 0)) : NULL;
  sqlite3_finalize(st);
  return rc == BV_OK && !*out ? BV_NOMEM : rc;
}

/* A list or an object with the variables in its texts expanded. */
static bv_rc expand_tree(bv_store *s, bv_document *d, const member *m, char **used, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  *used = bv_strdup(BV_MEM_RUN, m->json);
  if (!*used) return BV_NOMEM;
  BV_TRY(bv_sql_prepare(s->db,
                        "SELECT fullkey, atom FROM json_tree(?1) WHERE type = 'text' AND"
                        " instr(atom, '${') > 0",
                        &st, err));
  sqlite3_bind_text(st, 1, m->json, -1, SQLITE_STATIC);
  bv_rc rc;
  while ((rc = bv_sql_row(s->db, st, &row, err, "document")) == BV_OK && row) {
    char missing[64], full[400], *value = NULL, *next = NULL;
    const char *key = bv_sql_text(st, 0);
    snprintf(full, sizeof full, "%s%s", m->full, key + 1);
    rc = bv_expand(bv_sql_text(st, 1), &value, missing);
    if (rc == BV_OK) rc = say_missing(d, full, missing);
    if (rc == BV_OK)
      rc = change(s, "SELECT json_replace(?1, ?2, ?3)", *used, key, value, &next, err);
    bv_free(value);
    if (rc != BV_OK) break;
    bv_free(*used);
    *used = next;
  }
  sqlite3_finalize(st);
  return rc;
}

/* The value of a text with variables expanded, and that as JSON. */
static bv_rc expand_text(bv_store *s, bv_document *d, const member *m, char **value, char **used,
                         bv_err *err) {
  char missing[64];
  BV_TRY(bv_expand(m->written, value, missing));
  BV_TRY(say_missing(d, m->full, missing));
  return change(s, "SELECT json_quote(?1)", *value, NULL, NULL, used, err);
}

/* *inside: the members of this one are keys of their own. */
static bv_rc take(bv_store *s, bv_document *d, const member *m, bool *inside, bv_err *err) {
  bool section;
  const bv_doc_key *k = bv_doc_key_find(m->path);
  const char *key = bv_doc_flat(m->path, &section);
  const bool object = strcmp(m->type, "object") == 0;
  *inside = false;
  if (strcmp(m->type, "null") == 0) return k || key ? BV_OK : unknown(d, m);
  if (object && k && k->kind != BV_DOC_ANY && k->kind != BV_DOC_TREE) {
    bool is_section = false;
    int n;
    const bv_doc_key *all = bv_doc_keys(&n);
    const size_t len = strlen(m->path);
    for (int i = 0; i < n; i++) {
      is_section |= strncmp(all[i].path, m->path, len) == 0 && all[i].path[len] == '.';
    }
    if (is_section || section) {
      *inside = true;
      return BV_OK;
    }
  }
  if (object && key && section && strcmp(key, "params") != 0) {
    *inside = true;
    return BV_OK;
  }
  member as = *m;
  char *used = NULL;
  bv_rc rc = BV_OK;
  if (is_tree(m) && strstr(m->json, "${")) rc = expand_tree(s, d, m, &used, err);
  if (used) as.used = used;
  if (rc == BV_OK && k && !(key && k->kind == BV_DOC_SECTION)) {
    rc = table_key(s, d, &as, k);
  } else if (rc == BV_OK) {
    rc = key ? flat(s, d, &as, key) : unknown(d, m);
  }
  bv_free(used);
  return rc;
}

/* ---- the walk ---- */

/* "$.a.\"b c\"" -> "a.b c"; false where it is longer than any key. */
static bool plain_path(const char *full, char out[200]) {
  size_t n = 0;
  const char *p = full + (full[0] == '$');
  for (p += *p == '.'; *p; p++) {
    if (*p == '"') continue;
    if (n == 199) return false;
    out[n++] = *p;
  }
  out[n] = 0;
  return true;
}

static bool starts_with(const char *text, const char *prefix) {
  const size_t n = strlen(prefix);
  return n > 0 && strncmp(text, prefix, n) == 0 && (text[n] == '.' || text[n] == '[');
}

static bv_rc visit(bv_store *s, bv_document *d, sqlite3_stmt *st, char skip[256], bv_err *err) {
  char path[200];
  member m = {.full = bv_sql_text(st, 0),
              .type = bv_sql_text(st, 1),
              .json = bv_sql_text(st, 2),
              .written = bv_sql_text(st, 3)};
  m.path = path;
  m.value = m.written;
  m.used = m.json;
  if (starts_with(m.full, skip)) return BV_OK;
  if (!plain_path(m.full, path)) return bv_document_error(d, m.full, "unknown key");
  char shown[204];
  snprintf(shown, sizeof shown, "$.%s", path);
  const char *full = m.full;
  m.full = shown;
  char *value = NULL, *used = NULL;
  bv_rc rc = BV_OK;
  bool inside = false;
  const int before = d->nerror;
  if (is_text(&m) && strstr(m.written, "${")) {
    rc = expand_text(s, d, &m, &value, &used, err);
    m.value = value;
    m.used = used;
  }
  if (rc == BV_OK && d->nerror == before) rc = take(s, d, &m, &inside, err);
  if (rc == BV_OK && !inside) snprintf(skip, 256, "%s", full);
  bv_free(value);
  bv_free(used);
  return rc;
}

static bv_rc walk_members(bv_store *s, const char *text, bv_document *d, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  char skip[256] = "";
  bv_rc rc;
  BV_TRY(bv_sql_prepare(s->db,
                        "SELECT fullkey, type, CASE WHEN type IN ('object', 'array') THEN value"
                        " WHEN type IN ('true', 'false') THEN type ELSE json_quote(atom) END,"
                        " CASE WHEN type IN ('object', 'array') THEN value WHEN type IN ('true',"
                        " 'false') THEN type ELSE atom END FROM json_tree(?1)"
                        " WHERE fullkey <> '$'",
                        &st, err));
  sqlite3_bind_text(st, 1, text, -1, SQLITE_STATIC);
  while ((rc = bv_sql_row(s->db, st, &row, err, "document")) == BV_OK && row) {
    if ((rc = visit(s, d, st, skip, err)) != BV_OK) break;
  }
  sqlite3_finalize(st);
  return rc;
}

/* ---- what hangs together ---- */

static bool number_of(const bv_document *d, const char *path, double *out) {
  const char *text = bv_document_text(d, path);
  return text && bv_parse_f64(text, strlen(text), out) == BV_OK;
}

/* The rules of section risk_rules, as a list. */
static bv_rc risk_rules(bv_store *s, bv_document *d) {
  int n, used = 0;
  const bv_doc_key *k = bv_doc_keys(&n);
  bv_buf list;
  bv_buf_init(&list, BV_MEM_RUN, 1 << 16);
  bv_rc rc = bv_buf_adds(&list, "[");
  for (int i = 0; i < n && rc == BV_OK; i++) {
    double x;
    if (k[i].kind != BV_DOC_RISK || !number_of(d, k[i].path, &x)) continue;
    char percent[32], full[80];
    snprintf(full, sizeof full, "$.%s", k[i].path);
    if (!(x > 0) || x > 1) {
      rc = bv_document_error(d, full, "%g is not a fraction above 0 and up to 1", x);
      continue;
    }
    bv_format_f64(x * 100, percent);
    rc = bv_buf_addf(&list, "%s{\"rule\":\"%s\",\"percent\":%s}", used++ ? "," : "", k[i].to,
                     percent);
  }
  double lo = 0, hi = 0;
  const bool has_lo = number_of(d, "risk_rules.min_vix", &lo);
  const bool has_hi = number_of(d, "risk_rules.max_vix", &hi);
  if (rc == BV_OK && has_lo && has_hi && lo > hi) {
    rc = bv_document_error(d, "$.risk_rules.min_vix", "min_vix %g is above max_vix %g", lo, hi);
  } else if (rc == BV_OK && (has_lo || has_hi)) {
    const char *asset = bv_document_text(d, "risk_rules.vix_asset");
    rc = bv_buf_addf(&list, "%s{\"rule\":\"context\",\"asset\":", used++ ? "," : "");
    if (rc == BV_OK) rc = bv_buf_add_json(&list, asset ? asset : "VIX");
    if (rc == BV_OK && has_lo) rc = bv_buf_addf(&list, ",\"min\":%.17g", lo);
    if (rc == BV_OK && has_hi) rc = bv_buf_addf(&list, ",\"max\":%.17g", hi);
    if (rc == BV_OK) rc = bv_buf_adds(&list, "}");
  }
  if (rc == BV_OK) rc = bv_buf_adds(&list, "]");
  const member m = {.full = "$.risk_rules", .json = bv_buf_text(&list)};
  if (rc == BV_OK && used > 0 && strstr(bv_buf_text(&d->flat), "\"risk\":")) {
    rc = bv_document_error(d, m.full, "risk and risk_rules; write all rules in risk");
  } else if (rc == BV_OK && used > 0) {
    rc = put_flat(s, d, &m, "risk", m.json);
  }
  bv_buf_reset(&list);
  return rc;
}

static bv_rc one_of(bv_document *d, const char *section, const char *a, const char *b) {
  char x[80], y[80], full[80];
  snprintf(x, sizeof x, "%s.%s", section, a);
  snprintf(y, sizeof y, "%s.%s", section, b);
  if (!bv_document_text(d, x) || !bv_document_text(d, y)) return BV_OK;
  snprintf(full, sizeof full, "$.%s", section);
  return bv_document_error(d, full, "%s and %s; give one of them", a, b);
}

static bv_rc sources(bv_document *d) {
  static const char *const source[] = {"data_sources.signals", "data_sources.features",
                                       "data_sources.context"};
  for (size_t i = 0; i < 3; i++) {
    char key[60], full[80];
    BV_TRY(one_of(d, source[i], "table", "path"));
    snprintf(key, sizeof key, "%s.lag", source[i]);
    snprintf(full, sizeof full, "$.%s", key);
    double lag;
    if (number_of(d, key, &lag) && !(lag >= 1 && lag <= 1000 && lag == (int)lag)) {
      BV_TRY(bv_document_error(d, full, "%g is not a whole number of bars from 1 to 1000", lag));
    }
  }
  const bool path = bv_document_text(d, "data_sources.prices.path") != NULL;
  const bool step = strstr(bv_buf_text(&d->flat), "\"timestep\":") != NULL;
  if (path && !step) {
    BV_TRY(bv_document_error(d, "$.data_sources.prices",
                             "a file of bars needs timestep, such as \"minute\""));
  }
  return BV_OK;
}

static bv_rc strategy(bv_document *d) {
  static const char *const key[] = {"strategy", "strategy.view", "strategy.sql", "strategy.file"};
  int given = 0;
  for (size_t i = 0; i < 4; i++) given += bv_document_text(d, key[i]) != NULL;
  if (given == 1) return BV_OK;
  return bv_document_error(d, "$.strategy",
                           given
                               ? "more than one of view, sql and file"
                               : "missing; name a view, or write its text: SELECT known_at, asset,"
                                 " ... AS target_weight FROM bars(...)");
}

/* The flat configuration as a whole: knobs that do not go together. */
static bv_rc whole(bv_store *s, bv_document *d) {
  bv_run_config config;
  bv_err why = {0};
  bv_rc rc = bv_run_config_read(s->db, bv_buf_text(&d->flat), s->zone, &config, &why);
  if (rc == BV_OK) {
    bv_run_config_reset(&config);
    return BV_OK;
  }
  if (not_its_fault(rc, &why)) return pass_on(d, rc, &why);
  const char *text = bv_err_text(&why, rc);
  return bv_document_error(d, "$", "%s", strncmp(text, "config: ", 8) ? text : text + 8);
}

static bv_rc read_all(bv_store *s, const char *text, bv_document *d, bv_err *err) {
  sqlite3_stmt *st;
  int row;
  char type[16] = "";
  /* json_valid() says 0 also where memory runs out (SQLite 3.40); json_type() tells the two apart. */
  BV_TRY(bv_sql_prepare(s->db, "SELECT json_type(?1)", &st, err));
  sqlite3_bind_text(st, 1, text, -1, SQLITE_STATIC);
  bv_err why = {0};
  bv_rc rc = bv_sql_row(s->db, st, &row, &why, "document");
  if (rc == BV_OK && row) snprintf(type, sizeof type, "%s", bv_sql_text(st, 0));
  sqlite3_finalize(st);
  if (rc != BV_OK && (rc != BV_ARG || (why.native & 0xff) != SQLITE_ERROR)) {
    return bv_fail_native(err, rc, why.native, "%s", why.msg);
  }
  if (strcmp(type, "object") != 0) {
    return bv_document_error(d, "$", type[0] ? "must be an object, not %s" : "is not valid JSON%s",
                             type);
  }
  BV_TRY(bv_buf_adds(&d->flat, "{"));
  BV_TRY(bv_buf_adds(&d->stored, "{"));
  BV_TRY(walk_members(s, text, d, err));
  BV_TRY(risk_rules(s, d));
  BV_TRY(sources(d));
  BV_TRY(strategy(d));
  BV_TRY(bv_buf_adds(&d->flat, "}"));
  BV_TRY(bv_buf_adds(&d->stored, "}"));
  return d->nerror == 0 ? whole(s, d) : BV_OK;
}

bv_rc bv_document_read(bv_store *s, const char *text, bv_document *out, bv_err *err) {
  *out = (bv_document){0};
  bv_map_init(&out->text);
  bv_buf_init(&out->flat, BV_MEM_RUN, MOST_BYTES);
  bv_buf_init(&out->stored, BV_MEM_RUN, MOST_BYTES);
  bv_rc rc = read_all(s, text, out, err);
  if (rc == BV_OK) return BV_OK;
  if (out->failed.rc != BV_OK) bv_fail_native(err, rc, out->failed.native, "%s", out->failed.msg);
  bv_document_reset(out);
  return rc;
}
