/*
** yaml_json.h - a YAML document as JSON.
**
** Only what JSON can say: one document; maps with text keys, lists, and scalars.  A plain scalar is a number,
** true, false or null where it is written as JSON writes these (and ~ or nothing is null); everything else,
** "no", "1e3x", 2024-01-01, is a text.  Anchors, tags and several documents are refused.
*/
#ifndef BV_CLI_YAML_JSON_H
#define BV_CLI_YAML_JSON_H

/* The JSON of a YAML text, from sqlite3_malloc(); NULL after an error, which is then in *error. */
char *cli_yaml_to_json(const char *text, char **error);

#endif
