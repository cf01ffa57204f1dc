#!/usr/bin/env python3
"""Compare our time zones with Python's zoneinfo, zone by zone, 1900 to 2100.

    zones_check.py PATH_OF_zone_dump

Every zone of the system's directory (or of $TZDIR and $PYTHONTZPATH, if both name the same one) is
asked for its local time around every transition, whether stored in the file or following from its
footer, and every 20 days between; and for the instants of local times around every transition,
inside every gap and fold, and every 20 days.  Prints one line and exits 0, or lists the first
mismatches and exits 1.
"""
import datetime
import os
import struct
import subprocess
import sys
import zoneinfo

UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1)
FROM = int(datetime.datetime(1900, 1, 1, tzinfo=UTC).timestamp())
TO = int(datetime.datetime(2100, 1, 1, tzinfo=UTC).timestamp())
STEP = 20 * 86400 + 12345  # not a whole number of days, so that the time of day varies
SAMPLES = list(range(FROM, TO, STEP))
MISMATCHES_SHOWN = 10


def zone_names(root):
    """Names of all TZif files below root; "posix" and "right" hold copies of them."""
    for folder, folders, files in os.walk(root):
        if folder == root:
            folders[:] = [f for f in folders if f not in ("posix", "right")]
        for name in files:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                if file.read(4) == b"TZif":
                    yield os.path.relpath(path, root)


def stored_transitions(path):
    """Transition times of a TZif file's last block, read straight from the bytes."""
    with open(path, "rb") as file:
        data = file.read()

    def counts(at):
        return struct.unpack(">6l", data[at + 20 : at + 44])

    isut, isstd, leap, time, types, chars = counts(0)
    if data[4:5] < b"2":
        return struct.unpack(f">{time}l", data[44 : 44 + 4 * time])
    at = 44 + 5 * time + 6 * types + chars + 8 * leap + isstd + isut
    time = counts(at)[3]
    return struct.unpack(f">{time}q", data[at + 44 : at + 44 + 8 * time])


def naive(seconds):
    return EPOCH + datetime.timedelta(seconds=seconds)


def seconds(delta):
    return delta.days * 86400 + delta.seconds


def offset_at(zone, t):
    return seconds(datetime.datetime.fromtimestamp(t, zone).utcoffset())


def footer_transitions(zone, after):
    """Instants after `after` where the offset changes, found by bisection between samples."""
    found = []
    times = [t for t in SAMPLES if t > after]
    before = offset_at(zone, times[0]) if times else 0
    for lo, hi in zip(times, times[1:]):
        here = offset_at(zone, hi)
        if here != before:
            while hi - lo > 1:
                mid = (lo + hi) // 2
                if offset_at(zone, mid) == before:
                    lo = mid
                else:
                    hi = mid
            found.append(hi)
        before = here
    return found


def instants_and_clocks(zone, path):
    """What to ask: instants, and local wall clocks."""
    stored = [t for t in stored_transitions(path) if FROM <= t < TO]
    jumps = stored + footer_transitions(zone, stored[-1] if stored else FROM)
    instants = list(SAMPLES)
    clocks = list(SAMPLES)
    for t in jumps:
        instants += (t - 1, t, t + 1)
        before, after = offset_at(zone, t - 1), offset_at(zone, t)
        for edge in (t + before, t + after):
            clocks += (edge - 1, edge, edge + 1)
        clocks.append(t + (before + after) // 2)
    return instants, clocks


SAMPLE_CLOCKS = {t: (naive(t), naive(t).replace(fold=1)) for t in SAMPLES}


def instant_and_kind(zone, clock):
    """Python's answer for a local wall clock with fold=0, and what kind of clock it is."""
    first, second = SAMPLE_CLOCKS.get(clock) or (naive(clock), naive(clock).replace(fold=1))
    a, b = seconds(zone.utcoffset(first)), seconds(zone.utcoffset(second))
    return clock - a, (a > b) - (a < b)


class Dump:
    """The program under test, asked line by line."""

    def __init__(self, path):
        self.process = subprocess.Popen(
            [path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, direction, name, numbers):
        # Long lines: the program reads a whole line before it answers, so neither side waits.
        self.process.stdin.write(f"{direction} {name} {' '.join(map(str, numbers))}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line or line.startswith("error"):
            sys.exit(f"{name}: {line.strip() or 'zone_dump died'}")
        return list(map(int, line.split()))


def compare(dump, name, root, bad):
    """Number of comparisons made for one zone; mismatches are appended to `bad`."""
    zone = zoneinfo.ZoneInfo(name)
    instants, clocks = instants_and_clocks(zone, os.path.join(root, name))

    answers = dump.ask("u", name, instants)
    for t, got in zip(instants, answers, strict=True):
        want = t + offset_at(zone, t)
        if got != want:
            bad.append(f"{name}: instant {t} ({naive(t)}): local {naive(got)}, want {naive(want)}")

    answers = iter(dump.ask("l", name, clocks))
    for clock, got in zip(clocks, zip(answers, answers, strict=True), strict=True):
        want = instant_and_kind(zone, clock)
        if got != want:
            bad.append(f"{name}: local {naive(clock)}: instant, kind {got}, want {want}")
    return len(instants) + len(clocks)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    roots = [path for path in zoneinfo.TZPATH if os.path.isdir(path)]
    if not roots:
        sys.exit("no zone directory on this system")
    dump = Dump(sys.argv[1])
    bad, zones, comparisons = [], 0, 0
    for name in sorted(zone_names(roots[0])):
        comparisons += compare(dump, name, roots[0], bad)
        zones += 1
        if len(bad) >= MISMATCHES_SHOWN:
            break
    for line in bad[:MISMATCHES_SHOWN]:
        print(line)
    if bad or zones == 0:
        sys.exit(1)
    print(f"ok {zones} zones {comparisons} comparisons")


if __name__ == "__main__":
    main()
