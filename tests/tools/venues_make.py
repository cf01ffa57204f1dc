#!/usr/bin/python3
"""venues_make.py OUT.dbn - the file of tests/fixtures/venues.dbn: two days of daily bars, DBN version 3.

ACME has bars of two venues, XNAS (publisher 2) and XNYS (9), ZINC of one, XNAS.  Prices and volumes are made up.
"""
import struct
import sys

NS = 1000000000
DAY = 1704153600  # 2024-01-02
LENGTH = 71       # of symbols


def text(s, n=LENGTH):
    return s.encode().ljust(n, b"\0")


def bar(publisher, instrument, ts, prices, volume):
    return struct.pack("<BBHIQqqqqQ", 14, 0x23, publisher, instrument, ts * NS, *(round(p * NS) for p in prices), volume)


fixed = text("DBEQ.BASIC", 16) + struct.pack("<HQQQBBBH", 8, DAY * NS, (DAY + 2 * 86400) * NS, 0, 1, 0, 0, LENGTH)
body = fixed.ljust(100, b"\0") + struct.pack("<I", 0)
body += struct.pack("<I", 2) + text("ACME") + text("ZINC") + struct.pack("<II", 0, 0) + struct.pack("<I", 2)
for symbol, instrument in (("ACME", "1"), ("ZINC", "2")):
    body += text(symbol) + struct.pack("<I", 1) + struct.pack("<II", 20240101, 20250101) + text(instrument)
body += bytes(-len(body) % 8)
with open(sys.argv[1], "wb") as f:
    f.write(b"DBN" + struct.pack("<BI", 3, len(body)) + body)
    for day in range(2):
        ts = DAY + 86400 * day
        f.write(bar(2, 1, ts, (10 + day, 12 + day, 9 + day, 11 + day), 500))
        f.write(bar(9, 1, ts, (10.25 + day, 12.5 + day, 9 + day, 11.25 + day), 300))
        f.write(bar(2, 2, ts, (5, 6, 5, 5.5), 40))
