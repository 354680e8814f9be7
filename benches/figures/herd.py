#!/usr/bin/env python3
"""Fifty nodes at one concentrator that is killed and started again: all links come up at once.

usage: herd.py [NODES] [POINTS]      (50 nodes of 200 datapoints unless given)

Prints when all links were live, the processor and memory of the concentrator, and whether a second wave came.
"""
import sys
import time

from lab import Lab, Node, load, remote, until

NODES = int(sys.argv[1]) if len(sys.argv) > 1 else 50
POINTS = int(sys.argv[2]) if len(sys.argv) > 2 else 200


def device(points):
    lines = ["\n  sim: { type: Connection, properties: { protocol: simulator, connection: { interval_ms: 2000 } } }"]
    lines += [f"  n{i}: {{ type: Endpoint, properties: {{ protocol: simulator, connection: !ref sim, "
              f"subscribe: {{ signal: counter, step: 1 }} }} }}" for i in range(points)]
    return "\n".join(lines) + "\n"


def tries(core):
    links = [item["mirror"] for item in core.remotes()]
    return sum(link["snapshots"] + link["resumes"] for link in links)


def all_live(core):
    return sum(item["state"] == "live" for item in core.remotes()) == NODES


def report(core, what, began):
    until(lambda: all_live(core), 120, "all links are live")
    took = time.monotonic() - began
    highest, before, cpu = core.rss(), tries(core), core.cpu()
    end = time.monotonic() + 30
    while time.monotonic() < end:
        time.sleep(0.25)
        highest = max(highest, core.rss())
    print(f"{what}: all {NODES} live after {took:.2f} s, {cpu:.2f} s of processor by then; in the 30 s after it "
          f"{tries(core) - before} further connections, {(core.cpu() - cpu) / 30 * 100:.1f} % of a core, "
          f"at most {highest:.0f} MiB; load {load():.1f}", flush=True)


def main():
    print(f"{NODES} nodes of {POINTS} datapoints, load {load():.1f}")
    with Lab(2) as lab:
        sites = [Node(lab, 0, f"site{i:02}", lab.low(0), 8443 + i, resources=device(POINTS)) for i in range(NODES)]
        for site in sites:
            site.start()
        core = Node(lab, 1, "core", "127.0.0.1", resources="".join(remote(site) for site in sites))
        began = time.monotonic()
        core.start()
        report(core, "first start", began)
        time.sleep(12)
        core.end(kill=True)
        began = time.monotonic()
        core.start()
        report(core, "killed and started again", began)
        lab.cut(0)
        until(lambda: not any(item["state"] == "live" for item in core.remotes()), 30, "all links are lost")
        time.sleep(20)
        lab.heal(0)
        report(core, "cut for 20 s and healed", time.monotonic())


if __name__ == "__main__":
    main()
