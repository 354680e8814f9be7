"""A provider of rows, and a reader of a feed, over one HTTP/1.1 connection each."""
import contextlib
import json
import random
import threading
import time

from lab import TOKEN


def head(method, path, more=""):
    return (f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n{more}\r\n").encode()


def chunk(data):
    return b"%x\r\n" % len(data) + data + b"\r\n"


class Provider(threading.Thread):
    """`points` datapoints, each `per_second` times a second; `value(tick)` is the text of its value."""

    def __init__(self, node, points, per_second=1.0, value=None, part=1000):
        super().__init__(daemon=True)
        self.points, self.per_second, self.part, self.running, self.sent = points, per_second, part, True, 0
        self.value = value or (lambda point, now_ms: now_ms)
        self.sock = node.connect()
        self.sock.sendall(head("POST", "/api/v1/samples",
                               "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n"))
        threading.Thread(target=self.acks, daemon=True).start()
        for first in range(0, points, part):
            define = [{"id": i, "name": f"p.x{i:06}", "type": "f64"} for i in range(first, min(first + part, points))]
            self.sock.sendall(chunk(json.dumps({"define": define}).encode() + b"\n"))

    def acks(self):
        with contextlib.suppress(OSError):
            while self.sock.recv(65536):
                pass

    def run(self):
        # The lab ends the node, and so this, when it has seen enough.
        with contextlib.suppress(OSError):
            self.provide()

    def provide(self):
        began, parts, order = time.monotonic(), 0, list(range(self.points))
        while self.running:
            first = parts * self.part % self.points
            if first == 0:
                # Every datapoint once a round, each round in another order: as devices do it, and no gift to zstd.
                random.shuffle(order)
            now = time.time_ns() // 1000
            rows = ",".join(f"[{i},0,{self.value(i, now // 1000)}]" for i in order[first:first + self.part])
            self.sock.sendall(chunk(f'{{"t":{now},"r":[{rows}]}}\n'.encode()))
            parts, self.sent = parts + 1, self.sent + self.part
            due = began + parts * self.part / (self.points * self.per_second)
            time.sleep(max(0.0, due - time.monotonic()))


class Reader(threading.Thread):
    """Reads a feed; keeps the newest value and source time of each datapoint, and counts what goes back."""

    def __init__(self, node, delivery="every"):
        super().__init__(daemon=True)
        self.values, self.times, self.names, self.back, self.rows, self.missed = {}, {}, {}, 0, 0, 0
        self.sock = node.connect()
        self.sock.sendall(head("GET", f"/api/v1/changes?delivery={delivery}", "Accept: application/x-ndjson\r\n"))

    def run(self):
        carry = b""
        while data := self.sock.recv(1 << 20):
            lines = (carry + data).split(b"\n")
            carry = lines.pop()
            for line in lines:
                # Lines between frames are the lengths of chunks.
                if line.startswith(b"{"):
                    self.frame(json.loads(line))

    def frame(self, frame):
        for define in frame.get("define", ()):
            self.names[define["id"]] = define["name"]
        self.missed += frame.get("gap", {}).get("count", 0)
        at = frame.get("t", 0)
        for row in frame.get("r", ()):
            at += row[1]
            self.rows += 1
            if ".x" not in self.names.get(row[0], "") or row[2] is None:
                continue
            if at < self.times.get(row[0], 0):
                self.back += 1
            self.values[row[0]], self.times[row[0]] = row[2], at


def spread(values):
    """p50, p99 and the highest."""
    values = sorted(values)
    return tuple(values[min(len(values) - 1, int(len(values) * part))] for part in (0.5, 0.99, 1.0))
