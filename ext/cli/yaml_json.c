/* yaml_json.c - a YAML document as JSON; see yaml_json.h. */
#include "cli/yaml_json.h"

#include <sqlite3.h>
#include <string.h>
#include <yaml.h>

enum { MAX_DEPTH = 64 };

typedef struct level {
  int map; /* 1: a map, else a list */
  int n;   /* keys and values, or elements, so far */
} level;

typedef struct writer {
  sqlite3_str *out;
  level level[MAX_DEPTH];
  int depth;
  char *error;
} writer;

static void refuse(writer *w, const yaml_event_t *e, const char *what) {
  if (!w->error) {
    w->error = sqlite3_mprintf("line %d: %s", (int)e->start_mark.line + 1, what);
  }
}

/* What stands between the last value and this one. */
static void separate(writer *w) {
  if (w->depth == 0) return;
  level *l = &w->level[w->depth - 1];
  const int value = l->map && l->n % 2 == 1;
  if (value) {
    sqlite3_str_appendchar(w->out, 1, ':');
  } else if (l->n > 0) {
    sqlite3_str_appendchar(w->out, 1, ',');
  }
  l->n++;
}

static int is_key(const writer *w) {
  return w->depth > 0 && w->level[w->depth - 1].map && w->level[w->depth - 1].n % 2 == 0;
}

static void put_text(writer *w, const char *p, size_t n) {
  sqlite3_str_appendchar(w->out, 1, '"');
  for (size_t i = 0; i < n; i++) {
    const unsigned char c = (unsigned char)p[i];
    if (c == '"' || c == '\\') {
      sqlite3_str_appendchar(w->out, 1, '\\');
      sqlite3_str_appendchar(w->out, 1, (char)c);
    } else if (c < 32) {
      sqlite3_str_appendf(w->out, "\\u%04x", c);
    } else {
      sqlite3_str_appendchar(w->out, 1, (char)c);
    }
  }
  sqlite3_str_appendchar(w->out, 1, '"');
}

static size_t digits(const char *p) {
  return strspn(p, "0123456789");
}

/* A number as JSON writes it. */
static int is_number(const char *p) {
  if (*p == '-') p++;
  size_t n = digits(p);
  if (n == 0 || (n > 1 && *p == '0')) return 0;
  p += n;
  if (*p == '.') {
    n = digits(p + 1);
    if (n == 0) return 0;
    p += n + 1;
  }
  if (*p == 'e' || *p == 'E') {
    p++;
    if (*p == '+' || *p == '-') p++;
    n = digits(p);
    if (n == 0) return 0;
    p += n;
  }
  return *p == 0;
}

static void scalar(writer *w, const yaml_event_t *e) {
  const char *text = (const char *)e->data.scalar.value;
  const size_t n = e->data.scalar.length;
  const int plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE, key = is_key(w);
  if (e->data.scalar.anchor) refuse(w, e, "anchors are not taken");
  if (e->data.scalar.tag) refuse(w, e, "tags are not taken");
  if (strlen(text) != n) refuse(w, e, "a NUL byte");
  separate(w);
  if (plain && !key && (n == 0 || strcmp(text, "null") == 0 || strcmp(text, "~") == 0)) {
    sqlite3_str_appendall(w->out, "null");
  } else if (plain && !key &&
             (strcmp(text, "true") == 0 || strcmp(text, "false") == 0 || is_number(text))) {
    sqlite3_str_appendall(w->out, text);
  } else {
    put_text(w, text, n);
  }
}

static void begin(writer *w, const yaml_event_t *e, int map) {
  if (is_key(w)) refuse(w, e, "a key that is no text");
  separate(w);
  if (w->depth == MAX_DEPTH) {
    refuse(w, e, "too deep");
    return;
  }
  w->level[w->depth++] = (level){.map = map};
  sqlite3_str_appendchar(w->out, 1, map ? '{' : '[');
}

static void end(writer *w) {
  w->depth--;
  sqlite3_str_appendchar(w->out, 1, w->level[w->depth].map ? '}' : ']');
}

static void take(writer *w, const yaml_event_t *e, int *documents) {
  switch (e->type) {
  case YAML_DOCUMENT_START_EVENT:
    if (++*documents > 1) refuse(w, e, "more than one document");
    break;
  case YAML_ALIAS_EVENT: refuse(w, e, "aliases are not taken"); break;
  case YAML_SCALAR_EVENT: scalar(w, e); break;
  case YAML_SEQUENCE_START_EVENT:
    if (e->data.sequence_start.anchor) refuse(w, e, "anchors are not taken");
    begin(w, e, 0);
    break;
  case YAML_MAPPING_START_EVENT:
    if (e->data.mapping_start.anchor) refuse(w, e, "anchors are not taken");
    begin(w, e, 1);
    break;
  case YAML_SEQUENCE_END_EVENT:
  case YAML_MAPPING_END_EVENT: end(w); break;
  default: break;
  }
}

char *cli_yaml_to_json(const char *text, char **error) {
  yaml_parser_t parser;
  yaml_event_t event;
  writer w = {.out = sqlite3_str_new(NULL)};
  int documents = 0, done = 0;
  if (!yaml_parser_initialize(&parser)) {
    sqlite3_free(sqlite3_str_finish(w.out));
    return NULL;
  }
  yaml_parser_set_input_string(&parser, (const unsigned char *)text, strlen(text));
  while (!done && !w.error) {
    if (!yaml_parser_parse(&parser, &event)) {
      w.error = sqlite3_mprintf("line %d: %s", (int)parser.problem_mark.line + 1,
                                parser.problem ? parser.problem : "no YAML");
      break;
    }
    take(&w, &event, &documents);
    done = event.type == YAML_STREAM_END_EVENT;
    yaml_event_delete(&event);
  }
  yaml_parser_delete(&parser);
  char *json = sqlite3_str_finish(w.out);
  if (!w.error) return json;
  sqlite3_free(json);
  *error = w.error;
  return NULL;
}
