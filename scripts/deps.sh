#!/bin/sh
# deps.sh build|test - install what this Debian lacks to build the library, or also to test it.
#
# Each need is probed first, so a machine that has everything is left alone and needs no root and
# no network; on another system than Debian the probes still tell what is missing.  Only POSIX sh
# is assumed: this runs before make or a compiler exist.
set -eu

# A need is "package probe argument": the package is installed when the probe fails.
build_needs='
gcc              command gcc
make             command make
libc6-dev        header  stdio.h
libsqlite3-dev   header  sqlite3ext.h
sqlite3          command sqlite3
libzstd-dev      header  zstd.h
zlib1g-dev       header  zlib.h
libyaml-dev      header  yaml.h
tzdata           file    /usr/share/zoneinfo/America/New_York'
test_needs="$build_needs
clang            command clang
clang-format     command clang-format
libclang-rt-dev  clangrt fuzzer
libcmocka-dev    header  cmocka.h
libcurl4         library libcurl.so.4
python3          python  sqlite3
binutils         command nm
zstd             command zstd
gzip             command gzip"

fail() {
  echo "deps.sh: $*" >&2
  exit 1
}

# present PROBE ARGUMENT - is it there?
present() {
  case $1 in
  command) command -v "$2" >/dev/null 2>&1 ;;
  file) test -e "$2" ;;
  # cmocka.h wants these four in front; they do no harm to the others.
  header) printf '#include <%s>\n' stdarg.h stddef.h stdint.h setjmp.h "$2" |
    gcc -E -x c - >/dev/null 2>&1 ;;
  clangrt) ls "$(clang -print-resource-dir 2>/dev/null)"/lib/*/libclang_rt."$2"*.a >/dev/null 2>&1 ;;
  library) { ldconfig -p 2>/dev/null || /sbin/ldconfig -p 2>/dev/null; } | grep -q "$2" ;;
  python) /usr/bin/python3 -c "import $2" >/dev/null 2>&1 ;;
  *) fail "unknown probe $1" ;;
  esac
}

missing() {
  echo "$needs" | while read -r package probe argument; do
    [ -z "$package" ] || present "$probe" "$argument" || echo "$package"
  done
}

case ${1:-} in
build) needs=$build_needs ;;
test) needs=$test_needs ;;
*) fail "usage: deps.sh build|test" ;;
esac

packages=$(missing | tr '\n' ' ')
[ -n "$packages" ] || exit 0
command -v apt-get >/dev/null 2>&1 ||
  fail "missing: $packages(Debian package names); no apt-get here, install them by this system's own means"

if [ "$(id -u)" = 0 ]; then
  as_root() { "$@"; }
elif command -v sudo >/dev/null 2>&1; then
  as_root() { sudo "$@"; }
else
  fail "missing: $packages; neither root nor sudo to run: apt-get install $packages"
fi

echo "deps.sh: installing $packages"
# Old lists may still do, so a failing update alone does not stop us.
as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update ||
  echo "deps.sh: apt-get update failed, trying with the lists at hand" >&2
# shellcheck disable=SC2086  # a list of words
as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $packages ||
  fail "apt-get could not install: $packages"

packages=$(missing | tr '\n' ' ')
[ -z "$packages" ] || fail "still missing after the installation: $packages"
