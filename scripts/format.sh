#!/bin/sh
# format.sh [--check] - format all C files in place with .clang-format, or name those not formatted.
set -eu
cd "$(dirname "$0")/.."
files=$(find ext include tests bench scripts -name '*.[ch]' -not -path '*/tmp/*' -not -path '*/out/*' | sort)
[ -n "$files" ] || exit 0
if [ "${1:-}" != --check ]; then
  # shellcheck disable=SC2086  # a list of paths without blanks
  exec clang-format -i $files
fi
status=0
for file in $files; do
  clang-format "$file" | cmp -s - "$file" || { echo "$file"; status=1; }
done
[ "$status" -eq 0 ] || echo "not formatted: run scripts/format.sh ($(clang-format --version))"
exit "$status"
