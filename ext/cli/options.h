/*
** options.h - the command line of `backtest`, and the files it names.
*/
#ifndef BV_CLI_OPTIONS_H
#define BV_CLI_OPTIONS_H

#include <sqlite3.h>
#include <stdio.h>

#define CLI_MAX_PARAM 64

typedef enum cli_action { CLI_RUN, CLI_HELP, CLI_VERSION, CLI_BAD } cli_action;

typedef enum cli_command { CLI_DO_RUN, CLI_DO_CHECK, CLI_DO_RERUN, CLI_DO_RESUME } cli_command;

typedef struct cli_options {
  cli_command command;
  const char *
      strategy; /* a .sql file, the name of a view in the database, or a document; the run's number */
  const char *db;
  const char *config;               /* file, or NULL */
  const char *profile;              /* or NULL */
  const char *param[CLI_MAX_PARAM]; /* "name=value" */
  int nparam;
  int quiet;
} cli_options;

/* Read the arguments; what is wrong goes to stderr with CLI_BAD. */
cli_action cli_parse(int argc, char **argv, cli_options *out);

void cli_help(FILE *out);

/* Execute the strategy file and find the view it makes: the one named as the file, else the only new
** one.  Returns 0, or 1 with *error (sqlite3_free). */
int cli_load_strategy(sqlite3 *db, const cli_options *o, char **view, char **error);

/* Whether the strategy is a document: a .json, .yaml or .yml file. */
int cli_is_document(const cli_options *o);

/* The document as JSON, with --profile and --param merged in. */
int cli_load_document(sqlite3 *db, const cli_options *o, char **json, char **error);

/* The configuration file with --profile and --param merged in. */
int cli_load_config(sqlite3 *db, const cli_options *o, char **json, char **error);

#endif
