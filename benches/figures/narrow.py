#!/usr/bin/env python3
"""Flapping datapoints over a link of 1 Mbit/s: how old the newest values are above it.

usage: narrow.py [POINTS] [CHANGES] [flip|walk] [SECONDS] [OPTION]...

POINTS datapoints (100,000) change CHANGES (1) times a second each, between 0 and 1 (flip) or to any number of two
decimals (walk), in an order that chance makes. OPTIONs go into the remote entry: `delivery=latest profile=wan` unless given. The age of a value is now
minus its source time, which is when it was provided; it can be as old as the time between two changes even below.
"""
import random
import sys
import time

from feed import Provider, Reader, spread
from lab import Lab, Node, load, remote, until

ARGUMENTS = sys.argv[1:] + ["100000", "1", "flip", "60"][len(sys.argv) - 1:]
POINTS, CHANGES, SHAPE, SECONDS = int(ARGUMENTS[0]), float(ARGUMENTS[1]), ARGUMENTS[2], float(ARGUMENTS[3])
OPTIONS = [option.split("=") for option in ARGUMENTS[4:] or ["delivery=latest", "profile=wan"]]
NUMBERS = [f"{random.uniform(0, 100):.2f}" for _ in range(9973)]


STATES = [random.randrange(2) for _ in range(POINTS)]


def value(point, now_ms):
    if SHAPE == "flip":
        STATES[point] ^= 1
        return STATES[point]
    return NUMBERS[random.randrange(9973)]


def ages(reader):
    now = time.time_ns() // 1000
    return spread([(now - at) / 1e6 for at in list(reader.times.values())])


def main():
    print(f"{POINTS} datapoints, {CHANGES} changes/s each, {SHAPE}, {OPTIONS}, load {load():.1f}", flush=True)
    with Lab(2) as lab:
        line = Node(lab, 0, "line", lab.low(0)).start()
        options = "".join(f"      {key}: {text}\n" for key, text in OPTIONS)
        plant = Node(lab, 1, "plant", "127.0.0.1", resources=remote(line, options)).start()
        provider = Provider(line, POINTS, CHANGES, value)
        below = Reader(line, "latest")
        above = Reader(plant, "latest")
        for part in (provider, below, above):
            part.start()
        until(lambda: len(above.values) == POINTS, 120, "everything is above")
        lab.rate(0, "1mbit")
        time.sleep(30)
        first, rows, moved, sent, began = (line.rss(), plant.rss()), above.rows, lab.bytes(0), provider.sent, time.monotonic()
        seen = []
        while time.monotonic() < began + SECONDS:
            time.sleep(5)
            seen.append(ages(above))
        took = time.monotonic() - began
        crossed, moved = above.rows - rows, lab.bytes(0) - moved
        state = plant.remotes()[0]
        print(f"{(provider.sent - sent) / took:.0f} changes/s below (age there p50/p99/max "
              f"{'/'.join(f'{age:.2f}' for age in ages(below))} s); {crossed / took:.0f} rows/s crossed in "
              f"{moved / took / 1000:.0f} kB/s, {moved / max(1, crossed):.2f} bytes per row")
        middle = seen[len(seen) // 2]
        print(f"age above, s: p50 {middle[0]:.2f}, p99 {middle[1]:.2f}, oldest {middle[2]:.2f} (halfway); oldest of all "
              f"looks {max(look[2] for look in seen):.2f}; link {state['state']} {state.get('cause') or ''}")
        print(f"memory {first[0]:.0f} -> {line.rss():.0f} and {first[1]:.0f} -> {plant.rss():.0f} MiB in {took:.0f} s; "
              f"went back: {above.back}; load {load():.1f}")


if __name__ == "__main__":
    main()
