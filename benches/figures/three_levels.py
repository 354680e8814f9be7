#!/usr/bin/env python3
"""Three levels over bad links: a cut of 60 s, 100 ms ± 20 ms delay and 5 % loss in each direction of both links.

usage: three_levels.py [every|latest] [lan|wan] [cubic|bbr] [SECONDS]     (latest wan cubic 60 unless given)

10,000 datapoints change once a second each. Prints how long after healing every datapoint at the top has a value from
after healing and all links are live; whether anything went back; whether anything old was shown as good.
"""
import random
import sys
import threading
import time

from feed import Provider, Reader, spread
from lab import Lab, Node, load, remote, until

DELIVERY, PROFILE, CONGESTION, SECONDS = (sys.argv[1:] + ["latest", "wan", "cubic", "60"][len(sys.argv) - 1:])[:4]
POINTS = 10_000
# The table of quality timing over two links, and half a second for the look itself.
STALE_MS = {"lan": 4_000, "wan": 20_000}[PROFILE] + 1_500


def value(_, now_ms):
    """When it was provided, with four digits behind that compress as badly as those of a measurement."""
    return f"{now_ms}.{random.randrange(1000, 10000)}"


class Watch(threading.Thread):
    """Looks at some datapoints at the top all the time: old ones must not be good."""

    def __init__(self, top):
        super().__init__(daemon=True)
        self.top, self.looks, self.lies, self.good, self.running = top, 0, [], None, True

    def run(self):
        while self.running:
            page = self.top.ask("GET", "datapoints?prefix=plant.line.p.x00&limit=100")
            now = time.time() * 1000
            good = [item for item in page["items"] if item["quality"]["status"] == "good"]
            ages = [now - item["value"] for item in good]
            self.looks, self.good = self.looks + len(page["items"]), len(good)
            self.lies += [age for age in ages if age > STALE_MS]
            time.sleep(0.2)


def states(*nodes):
    return [item["state"] for node in nodes for item in node.remotes()]


def main():
    print(f"load {load():.1f}; delivery {DELIVERY}, profile {PROFILE}, {CONGESTION}")
    with Lab(3) as lab:
        options = f"      delivery: {DELIVERY}\n      profile: {PROFILE}\n"
        line = Node(lab, 0, "line", lab.low(0), congestion=CONGESTION).start()
        plant = Node(lab, 1, "plant", lab.low(1), resources=remote(line, options), congestion=CONGESTION).start()
        top = Node(lab, 2, "top", "127.0.0.1", resources=remote(plant, options)).start()
        provider = Provider(line, POINTS, value=value)
        provider.start()
        until(lambda: all(s == "live" for s in states(plant, top)), 60, "the links are live")
        lab.delay(0, 0.1, 0.02, 0.05)
        lab.delay(1, 0.1, 0.02, 0.05)
        reader = Reader(top)
        reader.start()
        watch = Watch(top)
        watch.start()
        until(lambda: len(reader.values) == POINTS, 120, "everything is at the top")
        time.sleep(20)
        rows, moved = reader.rows, lab.bytes(0)
        time.sleep(10)
        lag = spread([time.time() * 1000 - value for value in list(reader.values.values())])
        print(f"before the cut: {(reader.rows - rows) / 10:.0f} rows/s at the top, {(lab.bytes(0) - moved) / 10e3:.0f} kB/s "
              f"on the lower link, age p50/p99/max {lag[0]:.0f}/{lag[1]:.0f}/{lag[2]:.0f} ms, links {states(plant, top)}")
        lab.cut(0)
        began = time.monotonic()
        until(lambda: watch.good == 0, 60, "nothing is good at the top")
        print(f"nothing of it good at the top {time.monotonic() - began:.1f} s after the cut")
        time.sleep(max(0.0, began + float(SECONDS) - time.monotonic()))
        lab.heal(0)
        healed, healed_ms = time.monotonic(), time.time() * 1000
        until(lambda: any(v > healed_ms for v in list(reader.values.values())), 120, "anything new comes")
        print(f"first new value at the top after {time.monotonic() - healed:.2f} s")
        until(lambda: sum(v > healed_ms for v in list(reader.values.values())) == POINTS, 120, "all are new")
        print(f"every datapoint newer than the healing after {time.monotonic() - healed:.2f} s")
        until(lambda: all(s == "live" for s in states(plant, top)) and watch.good == 100, 120, "all is good")
        print(f"and all good, all links live after {time.monotonic() - healed:.2f} s")
        time.sleep(5)
        watch.running = False
        print(f"went back: {reader.back}; {watch.looks} looks, {len(watch.lies)} of them old and good"
              + (f" (up to {max(watch.lies):.0f} ms)" if watch.lies else "")
              + f"; conflated or evicted: {[item['mirror']['missed'] for n in (plant, top) for item in n.remotes()]}; "
              f"memory {[f'{n.rss():.0f}' for n in (line, plant, top)]} MiB; load {load():.1f}")


if __name__ == "__main__":
    main()
