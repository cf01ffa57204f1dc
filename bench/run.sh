#!/bin/bash
# bench/run.sh BINDIR - our figures, the peers' on the same data where they can run, and the ratios.
#
# Every program of BINDIR prints one JSON line per figure, with the keys of the peers' lines:
#   {"w":"W2","peer":"libbarsvt","metric":"resample_5m_S","n":98280,"seconds":0.0012,"check":1.5e9}
# Lines of the same "w" and "metric" are the same work; "check" is a sum over the result that must agree.
#
# The peers are ../shared/peers, copied to bench/out and built there.  With them, PERF_DATA names the
# directory of the data they use (bars in $SCALE.csv), for our programs too; without, PERF_DATA is unset and
# our programs make their own.  What cannot run here is named and left out.
#
# Environment: SCALE  S, one symbol and a year of minutes (default), or M, 250 symbols (2.5 GB, minutes)
#              WORK   the peers' workloads, default "w1 w2 w5" (S) or "w1 w2 w3 w4 w5 w6 w7" (M)
#              REPS   runs per figure, the median counts (default 5)
#              PEERS  set empty to run ours alone
# Everything printed by the programs is kept in bench/out/lines.json.
set -u
bin=${1:?usage: bench/run.sh BINDIR}
bin=$(realpath "$bin")
cd "$(dirname "$0")/.." || exit 1
out=$PWD/bench/out
export SCALE=${SCALE:-S} REPS=${REPS:-5}
python=${PYTHON:-/usr/bin/python3}
case $SCALE in
S) symbols=1 work=${WORK:-w1 w2 w5} ;;
M) symbols=250 work=${WORK:-w1 w2 w3 w4 w5 w6 w7} ;;
*) echo "bench: SCALE is S or M" >&2; exit 2 ;;
esac
mkdir -p "$out"
: >"$out/lines.json"
: >"$out/peers.log"
status=0

note() { echo "bench: $*" >&2; }

# Copy and build the peers, and make their data.  Python peers come from the system's packages, Node's
# from npm; either may be missing.
prepare_peers() {
  peers=$out/peers
  mkdir -p "$peers"
  cp -ru ../shared/peers/. "$peers/" && chmod -R u+w "$peers"
  if ! command -v npm >/dev/null || ! make -s -C "$peers" node/node_modules >/dev/null 2>"$out/npm.log"; then
    note "skipped: polars and DuckDB (npm is missing or cannot install; see bench/out/npm.log)"
    mkdir -p "$peers/node/node_modules" # their make wants it
  fi
  for module in pandas numpy numba; do
    "$python" -c "import $module" 2>/dev/null || note "skipped: peers in Python that need $module"
  done
  make -s -C "$peers" all >&2 || return 1
  export PERF_DATA=$out/data-$SCALE
  mkdir -p "$PERF_DATA"
  [ -f "$PERF_DATA/M.csv" ] || "$peers/bin/gen" "$PERF_DATA" "$symbols" >&2
}

# Tulip Indicators in C, from the source that an npm package carries; it runs beside ours on the kernels.
prepare_tulip() {
  local source=$out/tulip/node_modules/tulind/external
  command -v npm >/dev/null || return 1
  if [ ! -f "$source/tiamalgamation.c" ]; then
    mkdir -p "$out/tulip"
    npm install --silent --ignore-scripts --no-save --prefix "$out/tulip" tulind@0.8.20 >"$out/npm.log" 2>&1 || return 1
  fi
  ${CC:-cc} -O2 -std=c11 -D_POSIX_C_SOURCE=200809L -DSQLITE_CORE -Iext -Iinclude -Ibench -I"$source" \
    -o "$out/tulip/kernels" bench/peers/tulip.c "$source/tiamalgamation.c" libbarsvt.a \
    -lsqlite3 -lzstd -lz -lm -ldl -pthread >>"$out/npm.log" 2>&1
}

have_peers=''
if [ "${PEERS-yes}" = '' ]; then
  note 'peers: not asked for'
elif [ ! -d ../shared/peers ]; then
  note 'skipped: all peers (no ../shared/peers)'
elif prepare_peers; then
  have_peers=1
else
  note 'skipped: all peers (they do not build here)'
  unset PERF_DATA
fi

ours=0
for program in "$bin"/*; do
  if [ ! -f "$program" ] || [ ! -x "$program" ]; then continue; fi
  ours=$((ours + 1))
  "$program" | tee -a "$out/lines.json"
  if [ "${PIPESTATUS[0]}" -ne 0 ]; then
    note "FAIL $(basename "$program")"
    status=1
  fi
done
[ "$ours" -gt 0 ] || note "no programs in $bin"

# What bars take, ours and the peers' Parquet.
sets=("$out/own.csv")
[ -n "${PERF_DATA-}" ] && sets=("$PERF_DATA/S.csv" "$PERF_DATA/M.csv")
[ "$SCALE" = S ] && sets=("${sets[0]}")
there=()
for file in "${sets[@]}"; do [ -f "$file" ] && there+=("$file"); done
"$python" bench/size.py ./libbarsvt.so "$out" "${there[@]}" | tee -a "$out/lines.json"
[ "${PIPESTATUS[0]}" -eq 0 ] || { note 'FAIL size.py'; status=1; }

if [ "${PEERS-yes}" != '' ]; then
  if prepare_tulip; then
    "$out/tulip/kernels" | tee -a "$out/lines.json"
  else
    note 'skipped: Tulip Indicators (npm or a compiler is missing; see bench/out/npm.log)'
  fi
fi

if [ -n "$have_peers" ]; then
  for w in $work; do
    # A peer that cannot run here says so on stderr; the others go on.
    "$peers/run.sh" "$SCALE" "$w" 2>>"$out/peers.log" | tee -a "$out/lines.json"
  done
  # Feeds: what of it the peers do not have.
  PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$peers "$python" bench/peers/feed.py "$SCALE" | tee -a "$out/lines.json"
  [ ! -s "$out/peers.log" ] || note 'what the peers said on stderr is in bench/out/peers.log'
fi
"$python" bench/report.py "$out/lines.json" || status=1
exit "$status"
