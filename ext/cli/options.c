/* options.c - the command line of `backtest`, and the files it names; see options.h. */
#include "cli/options.h"
#include "cli/yaml_json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILE (16 << 20)

void cli_help(FILE *out) {
  fputs("usage: backtest run STRATEGY --db FILE [options]\n"
        "       backtest run DOCUMENT --db FILE [options]\n"
        "       backtest check DOCUMENT [--db FILE]\n"
        "       backtest rerun RUN --db FILE [--config OVERRIDES]\n"
        "       backtest resume RUN --db FILE\n"
        "\n"
        "  STRATEGY        a .sql file that makes a view, or the name of a view in the database\n"
        "  DOCUMENT        a .json, .yaml or .yml file that describes a whole backtest\n"
        "  RUN             number of a run; rerun repeats it and lists what differs, resume goes "
        "on with one that\n"
        "                  was stopped or killed and had the key checkpoint\n"
        "  --db FILE       database with bars; results are written to its bt_* tables\n"
        "  --config FILE   run configuration, JSON\n"
        "  --profile NAME  profile of fill rules, as {\"profile\": NAME}\n"
        "  --param K=V     parameter for bt_param('K', default); may be repeated\n"
        "  --quiet         no progress and no report\n"
        "  --help, --version\n"
        "\n"
        "exit codes: 0 done, 1 failed, 2 wrong usage, 3 a rerun has other results, 130 stopped "
        "(nothing is kept, or\n"
        "with the key checkpoint what was committed)\n",
        out);
}

static cli_action usage(const char *what, const char *word) {
  fprintf(stderr, "backtest: %s%s%s\ntry: backtest --help\n", what, word ? " " : "",
          word ? word : "");
  return CLI_BAD;
}

static cli_action add_param(cli_options *o, const char *text) {
  const char *eq = strchr(text, '=');
  if (!eq || eq == text) return usage("--param takes NAME=VALUE, not", text);
  if (o->nparam == CLI_MAX_PARAM) return usage("too many --param", NULL);
  o->param[o->nparam++] = text;
  return CLI_RUN;
}

cli_action cli_parse(int argc, char **argv, cli_options *out) {
  *out = (cli_options){0};
  int command = 0;
  for (int i = 1; i < argc; i++) {
    const char *a = argv[i];
    const char **value = NULL;
    if (strcmp(a, "--help") == 0 || strcmp(a, "-h") == 0) return CLI_HELP;
    if (strcmp(a, "--version") == 0) return CLI_VERSION;
    if (strcmp(a, "--quiet") == 0) {
      out->quiet = 1;
      continue;
    }
    if (strcmp(a, "--db") == 0) value = &out->db;
    if (strcmp(a, "--config") == 0) value = &out->config;
    if (strcmp(a, "--profile") == 0) value = &out->profile;
    if (value || strcmp(a, "--param") == 0) {
      if (++i == argc) return usage("a value is missing after", a);
      if (value) {
        *value = argv[i];
      } else if (add_param(out, argv[i]) == CLI_BAD) {
        return CLI_BAD;
      }
    } else if (a[0] == '-') {
      return usage("unknown option", a);
    } else if (!command) {
      command = 1;
      if (strcmp(a, "check") == 0) {
        out->command = CLI_DO_CHECK;
      } else if (strcmp(a, "rerun") == 0) {
        out->command = CLI_DO_RERUN;
      } else if (strcmp(a, "resume") == 0) {
        out->command = CLI_DO_RESUME;
      } else if (strcmp(a, "run") != 0) {
        return usage("unknown command", a);
      }
    } else if (!out->strategy) {
      out->strategy = a;
    } else {
      return usage("one argument too many:", a);
    }
  }
  if (!command) return usage("no command given; write: backtest run STRATEGY --db FILE", NULL);
  const int by_number = out->command == CLI_DO_RERUN || out->command == CLI_DO_RESUME;
  if (!out->strategy && by_number) return usage("no run given", NULL);
  if (!out->strategy) return usage("no strategy given", NULL);
  if (out->command == CLI_DO_CHECK && !cli_is_document(out)) {
    return usage("a document is a .json, .yaml or .yml file, not", out->strategy);
  }
  if (out->command == CLI_DO_RUN && cli_is_document(out) && out->config) {
    return usage("a document has its configuration in itself; --config", out->config);
  }
  if (by_number && out->strategy[strspn(out->strategy, "0123456789")] != 0) {
    return usage("the number of a run is needed, not", out->strategy);
  }
  if (out->command == CLI_DO_RESUME && (out->config || out->profile || out->nparam)) {
    return usage("resume goes on with the configuration of the run; it takes none", NULL);
  }
  if (!out->db && out->command != CLI_DO_CHECK) return usage("no database given (--db FILE)", NULL);
  return CLI_RUN;
}

/* A whole file as text; *missing tells that there is none. */
static char *read_file(const char *path, int *missing, char **error) {
  FILE *f = fopen(path, "rb");
  *missing = !f && errno == ENOENT;
  if (!f) {
    *error = sqlite3_mprintf("cannot read '%s': %s", path, strerror(errno));
    return NULL;
  }
  char *text = NULL;
  size_t n = 0, got;
  char piece[4096];
  while ((got = fread(piece, 1, sizeof piece, f)) > 0) {
    if (n + got > MAX_FILE) {
      *error = sqlite3_mprintf("'%s' is larger than 16 MiB", path);
      break;
    }
    char *more = sqlite3_realloc64(text, n + got + 1);
    if (!more) break;
    text = more;
    memcpy(text + n, piece, got);
    n += got;
    text[n] = 0;
  }
  if (!*error && ferror(f)) *error = sqlite3_mprintf("cannot read '%s': %s", path, strerror(errno));
  if (!*error && !text) *error = sqlite3_mprintf("'%s' is empty", path);
  if (!*error && strlen(text) != n) *error = sqlite3_mprintf("'%s' is not a text file", path);
  fclose(f);
  if (!*error) return text;
  sqlite3_free(text);
  return NULL;
}

static char *one_text(sqlite3 *db, const char *sql, const char *a, const char *b) {
  sqlite3_stmt *st;
  char *out = NULL;
  if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK) return NULL;
  sqlite3_bind_text(st, 1, a, -1, SQLITE_STATIC);
  if (b) sqlite3_bind_text(st, 2, b, -1, SQLITE_STATIC);
  if (sqlite3_step(st) == SQLITE_ROW && sqlite3_column_type(st, 0) != SQLITE_NULL) {
    out = sqlite3_mprintf("%s", sqlite3_column_text(st, 0));
  }
  sqlite3_finalize(st);
  return out;
}

#define VIEWS                                                                                      \
  "(SELECT name FROM sqlite_temp_schema WHERE type = 'view' UNION ALL "                            \
  "SELECT name FROM sqlite_schema WHERE type = 'view')"

/* "dir/sma_cross.sql" -> "sma_cross" */
static char *stem(const char *path) {
  const char *base = strrchr(path, '/');
  base = base ? base + 1 : path;
  const char *dot = strrchr(base, '.');
  return sqlite3_mprintf("%.*s", dot ? (int)(dot - base) : (int)strlen(base), base);
}

int cli_load_strategy(sqlite3 *db, const cli_options *o, char **view, char **error) {
  int missing;
  char *text = read_file(o->strategy, &missing, error);
  if (!text && missing && !strchr(o->strategy, '.') && !strchr(o->strategy, '/')) {
    sqlite3_free(*error); /* not a file: the name of a view */
    *error = NULL;
    *view = sqlite3_mprintf("%s", o->strategy);
    return *view ? 0 : 1;
  }
  if (!text) return 1;
  char *before =
      one_text(db, "SELECT coalesce(group_concat(name, x'0a'), '') FROM " VIEWS " WHERE ?1 <> ''",
               "x", NULL);
  char *message = NULL;
  int code = sqlite3_exec(db, text, NULL, NULL, &message);
  sqlite3_free(text);
  if (code != SQLITE_OK) {
    const char *why = message ? message : sqlite3_errmsg(db);
    const char *hint = strstr(why, "already exists")
                           ? "; a strategy that is run from its file is best a CREATE TEMP VIEW"
                           : "";
    *error = sqlite3_mprintf("%s: %s%s", o->strategy, why, hint);
    sqlite3_free(message);
    sqlite3_free(before);
    return 1;
  }
  char *name = stem(o->strategy);
  *view = one_text(db, "SELECT name FROM " VIEWS " WHERE lower(name) = lower(?1)", name, NULL);
  if (!*view && before) {
    *view = one_text(db,
                     "SELECT CASE count(*) WHEN 1 THEN max(name) END FROM " VIEWS
                     " WHERE instr(x'0a' || ?1 || x'0a', x'0a' || name || x'0a') = 0",
                     before, NULL);
  }
  if (!*view) {
    *error =
        sqlite3_mprintf("%s makes no view named '%s', nor exactly one new view", o->strategy, name);
  }
  sqlite3_free(name);
  sqlite3_free(before);
  return *view ? 0 : 1;
}

/* Merge {"key": value} (or {"params": {"key": value}}) into the configuration. */
static int merge(sqlite3 *db, char **json, const char *sql, const char *key, int nkey,
                 const char *value, char **error) {
  sqlite3_stmt *st;
  int ok = 0;
  if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK) {
    sqlite3_bind_text(st, 1, *json, -1, SQLITE_STATIC);
    sqlite3_bind_text(st, 2, key, nkey, SQLITE_STATIC);
    sqlite3_bind_text(st, 3, value, -1, SQLITE_STATIC);
    if (sqlite3_step(st) == SQLITE_ROW) {
      char *out = sqlite3_mprintf("%s", sqlite3_column_text(st, 0));
      sqlite3_free(*json);
      *json = out;
      ok = out != NULL;
    }
    sqlite3_finalize(st);
  }
  if (!ok && !*error) *error = sqlite3_mprintf("configuration: %s", sqlite3_errmsg(db));
  return ok ? 0 : 1;
}

static int merge_options(sqlite3 *db, const cli_options *o, char **json, char **error);

int cli_load_config(sqlite3 *db, const cli_options *o, char **json, char **error) {
  int missing;
  *json = o->config ? read_file(o->config, &missing, error) : sqlite3_mprintf("{}");
  return *json ? merge_options(db, o, json, error) : 1;
}

static const char *extension(const char *path) {
  const char *dot = strrchr(path, '.');
  return dot && !strchr(dot, '/') ? dot + 1 : "";
}

int cli_is_document(const cli_options *o) {
  const char *e = extension(o->strategy);
  return strcmp(e, "json") == 0 || strcmp(e, "yaml") == 0 || strcmp(e, "yml") == 0;
}

int cli_load_document(sqlite3 *db, const cli_options *o, char **json, char **error) {
  int missing;
  char *why = NULL;
  *json = read_file(o->strategy, &missing, error);
  if (*json && strcmp(extension(o->strategy), "json") != 0) {
    char *text = *json;
    *json = cli_yaml_to_json(text, &why);
    sqlite3_free(text);
    if (!*json) *error = sqlite3_mprintf("%s, %s", o->strategy, why ? why : "out of memory");
    sqlite3_free(why);
  }
  if (!*json) return 1;
  return o->profile || o->nparam ? merge_options(db, o, json, error) : 0;
}

static int merge_options(sqlite3 *db, const cli_options *o, char **json, char **error) {
  if (o->profile && merge(db, json, "SELECT json_patch(?1, json_object(?2, ?3))", "profile", 7,
                          o->profile, error)) {
    return 1;
  }
  for (int i = 0; i < o->nparam; i++) {
    const char *eq = strchr(o->param[i], '=');
    /* a value that is a JSON number stays one */
    if (merge(
            db, json,
            "SELECT json_patch(?1, json_object('params', json_object(?2, CASE WHEN "
            "json_valid(?3) AND json_type(?3) IN ('integer', 'real') THEN json(?3) ELSE ?3 END)))",
            o->param[i], (int)(eq - o->param[i]), eq + 1, error)) {
      return 1;
    }
  }
  return 0;
}
