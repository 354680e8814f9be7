#!/usr/bin/env python3
"""A write through three levels over loopback, one after the other; and what an fsync costs in the same folder.

usage: write.py [WRITES] [FOLDER]...      (1000, and two folders: one on disk and /dev/shm, unless given)

In /dev/shm an fsync costs nothing, so what is measured there is the write beside the fsyncs. The device is a simulator,
which takes a value at once. Each write: a request to the top, two commits there, two relays, two commits at the line.
"""
import os
import pathlib
import sys
import tempfile
import time

from feed import spread
from lab import Lab, Node, load, remote, until

WRITES = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
FOLDERS = sys.argv[2:] or [tempfile.gettempdir(), "/dev/shm"]
DEVICE = """
  sim: { type: Connection, properties: { protocol: simulator, connection: { interval_ms: 1000 } } }
  setpoint: { type: Endpoint, properties: { protocol: simulator, connection: !ref sim, subscribe: { signal: setpoint }, access: rw } }
"""
NAME = "plant.line.sim.setpoint"


def fsync(folder):
    """Milliseconds of an append of 200 bytes with fdatasync."""
    took = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(300):
            file.write(b"x" * 200)
            file.flush()
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - began) * 1000)
    return took


def disk(folder):
    """The device below a folder, as the kernel names it."""
    mounts = [line.split() for line in pathlib.Path("/proc/mounts").read_text().splitlines()]
    fits = [m for m in mounts if os.path.realpath(folder).startswith(m[1])]
    best = max(fits, key=lambda mount: len(mount[1]))
    return f"{best[0]} ({best[2]})"


def once(lab, folder):
    line = Node(lab, 0, "line", "127.0.0.1", 8443, resources=DEVICE, folder=folder).start()
    plant = Node(lab, 0, "plant", "127.0.0.1", 8444, resources=remote(line), folder=folder).start()
    top = Node(lab, 0, "top", "127.0.0.1", 8445, resources=remote(plant), folder=folder).start()
    until(lambda: top.ask("PUT", f"datapoints/{NAME}", {"value": 1}).get("state") == "applied", 30, "a write is applied")
    took, states = [], {}
    for index in range(WRITES):
        began = time.perf_counter()
        answer = top.ask("PUT", f"datapoints/{NAME}", {"value": index})
        took.append((time.perf_counter() - began) * 1000)
        states[answer.get("state")] = states.get(answer.get("state"), 0) + 1
    p50, p99, most = spread(took)
    f50, f99, _ = spread(fsync(folder))
    print(f"{folder} on {disk(folder)}: {states}, p50 {p50:.2f} ms, p99 {p99:.2f} ms, longest {most:.1f} ms; "
          f"an fdatasync there p50 {f50:.3f} ms, p99 {f99:.3f} ms; load {load():.1f}")
    for node in (top, plant, line):
        node.end()


def main():
    for folder in FOLDERS:
        with Lab(1) as lab, tempfile.TemporaryDirectory(dir=folder, prefix="mainstem-write-") as at:
            once(lab, at)


if __name__ == "__main__":
    main()
