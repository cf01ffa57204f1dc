#!/bin/sh
# embed.sh FILE.sql ... - print a C file that holds each file's text as bv_sql_<name>.
set -eu
echo '/* made by scripts/embed.sh from sql/: do not edit */'
for f in "$@"; do
  name=$(basename "$f" .sql | tr -c 'a-zA-Z0-9\n' '_')
  echo "extern const char bv_sql_$name[];"
  echo "const char bv_sql_$name[] ="
  sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/  "/' -e 's/$/\\n"/' "$f"
  echo '  "";'
done
