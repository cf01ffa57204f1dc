#!/usr/bin/python3
"""report.py LINES.json - our figures beside the peers' from one run, with the ratio.

Lines with the same "w" and "metric" are the same work; in the workloads of ONE_WORK all lines are, and
the metric names the way it was done.  Time is compared per unit (seconds / n): a ratio above 1 says how
many times faster we are.

Lines of "w":"size" have bytes instead of seconds; the smallest of ours is compared with each peer's.

A peer whose "check" differs from ours by more than 1e-6 relative, for the same n, is marked; where no
peer agrees with ours, ours is taken for wrong and the exit status is 1.  (Sums over millions of doubles
differ in the last digits with the order of adding, and peers differ among themselves in how they start
a moving average.)
"""
import json
import sys

OURS = "libbarsvt"
CHECK_TOLERANCE = 1e-6
ONE_WORK = ("W1", "W2w")


def read_lines(path):
    """All figures; what is not a JSON line of the known form is said and passed over."""
    figures = []
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            try:
                figure = json.loads(line)
                figure["per_unit"] = figure["bytes" if is_size(figure) else "seconds"] / figure["n"]
                figure["what"] = figure["w"], figure["metric"]
                figures.append(figure)
            except (ValueError, KeyError, TypeError, ZeroDivisionError):
                print(f"not a figure: {line.strip()[:100]}")
    return figures


def is_size(figure):
    return figure["w"] == "size"


def is_ours(figure):
    return figure["peer"].startswith(OURS)


def duration(seconds):
    for unit, scale in (("s", 1), ("ms", 1e3), ("us", 1e6)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def same_work(a, b):
    return a["what"] == b["what"] or (a["w"] == b["w"] and a["w"] in ONE_WORK)


def checks_agree(a, b):
    """None where they say nothing about each other."""
    x, y = a.get("check"), b.get("check")
    if a["n"] != b["n"] or x is None or y is None:
        return None
    return abs(x - y) <= CHECK_TOLERANCE * max(abs(x), abs(y))


REMARKS = (("gb_per_s", "GB/s"), ("mb", "MB"), ("bytes_per_bar", "bytes a bar"))


def print_row(figure, remark=""):
    remark = ", ".join([remark] * bool(remark) + [f"{figure[key]:.3g} {unit}" for key, unit in REMARKS if key in figure])
    print(f"{figure['w']:<5} {figure['metric']:<28} {figure['peer']:<34} {duration(figure['seconds']):>9} "
          f"{duration(figure['per_unit']):>9} {remark}".rstrip())


def report_one(ours, peers):
    """Print one figure of ours and its peers, fastest first; False when no peer confirms our check."""
    print_row(ours)
    verdicts = []
    for peer in sorted(peers, key=lambda figure: figure["per_unit"]):
        agree = checks_agree(ours, peer)
        verdicts.append(agree)
        ratio = f"{peer['per_unit'] / ours['per_unit']:>8.2f}x" if ours["per_unit"] else ""
        remark = f" CHECK DIFFERS: {peer['check']} against {ours['check']}" if agree is False else ""
        print_row(peer, ratio + remark)
    return True in verdicts or False not in verdicts


def report(figures):
    """Print the table; returns how many figures of ours no peer confirms."""
    print(f"\n{'work':<5} {'metric':<28} {'who':<34} {'time':>9} {'per unit':>9} {'ratio':>9}")
    peers = [figure for figure in figures if not is_ours(figure)]
    told, wrong = [], 0
    for ours in sorted(filter(is_ours, figures), key=lambda figure: figure["what"]):
        same = [peer for peer in peers if same_work(ours, peer)]
        told += same
        wrong += not report_one(ours, same)
    rest = [peer for peer in peers if peer not in told]
    if rest:
        print("\nwithout a figure of ours:")
    for peer in sorted(rest, key=lambda figure: (figure["what"], figure["per_unit"])):
        print_row(peer)
    return wrong


def report_sizes(figures):
    """Print what each set takes; the ratio says how many times as large as our file (or, with s, as our
    segments alone) a peer's is."""
    print(f"\n{'bars of':<28} {'who':<34} {'bytes':>11} {'per bar':>8} {'ratio':>15}")
    for name in dict.fromkeys(figure["metric"] for figure in figures):
        of_set = [figure for figure in figures if figure["metric"] == name]
        ours = [figure for figure in of_set if is_ours(figure)]
        file = min((figure["bytes"] for figure in ours if "file" in figure["peer"]), default=None)
        segments = min((figure["bytes"] for figure in ours if "segments" in figure["peer"]), default=None)
        for figure in of_set:
            ratio = ""
            if not is_ours(figure):
                ratio = f"{figure['bytes'] / file:.2f}x" if file else ""
                ratio += f" {figure['bytes'] / segments:.2f}xs" if segments else ""
            print(f"{name:<28} {figure['peer']:<34} {figure['bytes']:>11} {figure['per_unit']:>8.3f} {ratio:>15}".rstrip())


def main():
    figures = read_lines(sys.argv[1])
    if not figures:
        print("no figures")
        return 1
    sizes = [figure for figure in figures if is_size(figure)]
    timed = [figure for figure in figures if not is_size(figure)]
    wrong = report(timed)
    if sizes:
        report_sizes(sizes)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
