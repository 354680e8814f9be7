#!/usr/bin/env python3
"""Forty sites at one node over links of 100 ms, three of them always flapping.

usage: sites.py [SITES] [POINTS] [SECONDS]      (40, 5000, 60 unless given)

Every datapoint changes once in 10 s. 100 ms is the round trip: 50 ms each way, in user space. Three sites lose
everything for 4 s and have 4 s of peace, again and again. Prints what the node costs and whether others noticed.
"""
import sys
import time

from herd import device
from lab import Lab, Node, load, remote, until

SITES, POINTS, SECONDS = (int(text) for text in (sys.argv[1:] + ["40", "5000", "60"][len(sys.argv) - 1:]))
FLAPPING = 3


def main():
    print(f"{SITES} sites of {POINTS} datapoints, {FLAPPING} of them flapping, load {load():.1f}", flush=True)
    with Lab(2) as lab:
        text = device(POINTS).replace("interval_ms: 2000", "interval_ms: 10000")
        sites = [Node(lab, 0, f"site{i:02}", lab.low(0), 8443 + i, resources=text) for i in range(SITES)]
        for site in sites:
            site.start()
        core = Node(lab, 1, "core", "127.0.0.1", resources="".join(remote(site) for site in sites)).start()
        live = lambda: sum(item["state"] == "live" for item in core.remotes())
        until(lambda: live() == SITES, 120, "all links are live")
        lab.delay(0, 0.05)
        until(lambda: live() == SITES, 120, "all links are live with the delay")
        time.sleep(15)
        cpu, began = core.cpu(), time.monotonic()
        time.sleep(20)
        print(f"in peace: {(core.cpu() - cpu) / (time.monotonic() - began) * 100:.1f} % of a core, {core.rss():.0f} MiB")
        others = [site.name for site in sites[FLAPPING:]]
        before = {item["name"]: item for item in core.remotes()}
        cpu, began, looks, bad, flaps = core.cpu(), time.monotonic(), 0, {}, 0
        ports = [site.port for site in sites[:FLAPPING]]
        while time.monotonic() < began + SECONDS:
            for act in (lambda: lab.cut(0, ports), lambda: lab.heal(0)):
                act()
                end = time.monotonic() + 4
                while time.monotonic() < end:
                    for item in core.remotes():
                        if item["name"] in others:
                            looks += 1
                            if item["state"] != "live":
                                bad[item["name"]] = item["state"]
                    time.sleep(0.25)
            flaps += 1
        took = time.monotonic() - began
        cost = (core.cpu() - cpu) / took * 100
        after = {item["name"]: item for item in core.remotes()}
        moved = sum(after[n]["mirror"]["rows"] - before[n]["mirror"]["rows"] for n in others)
        again = sum(after[n]["mirror"][k] - before[n]["mirror"][k] for n in others for k in ("snapshots", "resumes"))
        back = sum(after[s.name]["mirror"]["resumes"] - before[s.name]["mirror"]["resumes"] for s in sites[:FLAPPING])
        print(f"flapping: {cost:.1f} % of a core, {core.rss():.0f} MiB; {flaps} flaps of {FLAPPING} sites, which resumed "
              f"{back} times; the other {len(others)}: {moved / took:.0f} rows/s, {again} further connections, "
              f"{looks} looks, not live in {bad or 'none'}; load {load():.1f}")


if __name__ == "__main__":
    main()
