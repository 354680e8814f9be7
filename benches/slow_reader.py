#!/usr/bin/env python3
"""What a reader that stops reading costs the node, at 100,000 changes/s.

usage: benches/slow_reader.py [PROGRAM] [SECONDS]      (target/release/mainstem and 60 unless given)

Starts a node in a folder of its own, provides 10,000 datapoints to it at 100,000 changes/s, lets one reader read, stop
for SECONDS and read on, and prints the resident memory of the node at each stage. Nothing but Python and the program.
"""
import json
import pathlib
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

PROGRAM = sys.argv[1] if len(sys.argv) > 1 else "target/release/mainstem"
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 60.0
POINTS, PART, RATE = 10_000, 1_000, 100_000
TOKEN = "slow-reader-benchmark-only"


def rss(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def connect(port, ca):
    context = ssl.create_default_context(cafile=ca)
    for _ in range(200):
        try:
            return context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="127.0.0.1")
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise SystemExit("the node does not come up")


def head(method, path, more=""):
    return (f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n{more}\r\n").encode()


def chunk(data):
    return b"%x\r\n" % len(data) + data + b"\r\n"


class Provider(threading.Thread):
    """Rows at the rate; `newest` is what each datapoint was given last."""

    def __init__(self, port, ca):
        super().__init__(daemon=True)
        self.sock, self.sent, self.running, self.newest = connect(port, ca), 0, True, 0
        self.sock.sendall(head("POST", "/api/v1/samples",
                               "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n"))
        threading.Thread(target=self.acks, daemon=True).start()

    def acks(self):
        while self.sock.recv(65536):
            pass

    def run(self):
        defines = [{"id": i, "name": f"p.x{i:05}", "type": "f64"} for i in range(POINTS)]
        for i in range(0, POINTS, PART):
            self.sock.sendall(chunk(json.dumps({"define": defines[i:i + PART]}).encode() + b"\n"))
        began, part = time.monotonic(), 0
        while self.running or part % (POINTS // PART):
            first = part * PART % POINTS
            self.newest = part * PART // POINTS
            rows = ",".join(f"[{i},0,{self.newest}]" for i in range(first, first + PART))
            self.sock.sendall(chunk(f'{{"t":{time.time_ns() // 1000},"r":[{rows}]}}\n'.encode()))
            part, self.sent = part + 1, self.sent + PART
            time.sleep(max(0.0, began + part * PART / RATE - time.monotonic()))


class Reader:
    def __init__(self, port, ca):
        self.sock, self.values, self.missed, self.carry, self.ended = connect(port, ca), {}, 0, b"", False
        self.sock.sendall(head("GET", "/api/v1/changes?delivery=every", "Accept: application/x-ndjson\r\n"))
        self.sock.settimeout(0.2)

    def read(self, seconds, until=lambda: False):
        end = time.monotonic() + seconds
        while time.monotonic() < end and not until():
            try:
                self.carry += self.sock.recv(1 << 20)
            except TimeoutError:
                continue
            lines = self.carry.split(b"\n")
            self.carry = lines.pop()
            for line in lines:
                # Lines between frames are the lengths of chunks.
                if line.startswith(b"{"):
                    self.frame(json.loads(line))

    def frame(self, frame):
        self.missed += frame.get("gap", {}).get("count", 0)
        self.ended |= bool(frame.get("end"))
        for row in frame.get("r", ()):
            self.values[row[0]] = row[2]


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="mainstem-slow-"))
    port = free_port()
    (folder / "node.yaml").write_text(
        f"version: 1\nnode: {{ name: n }}\nunix_socket: \"off\"\nlisten:\n  - address: 127.0.0.1:{port}\n"
        "log: { level: warn }\nroles:\n  all: { read: [ \"**\" ], provide: p }\n"
        f"tokens:\n  - {{ name: all, role: all, token: {TOKEN} }}\nresources: {{}}\n")
    node = subprocess.Popen([PROGRAM, "run", "-c", str(folder / "node.yaml")])
    try:
        ca = folder / "data" / "ca.pem"
        while not ca.exists():
            time.sleep(0.05)
        provider = Provider(port, ca)
        provider.start()
        time.sleep(10)
        print(f"no reader, {provider.sent / 10:.0f} changes/s:   {rss(node.pid):6.1f} MiB")
        reader = Reader(port, ca)
        reader.read(5)
        before = rss(node.pid)
        print(f"a reader that reads:            {before:6.1f} MiB")
        sent, highest = provider.sent, before
        began = time.monotonic()
        while time.monotonic() < began + SECONDS:
            time.sleep(1)
            highest = max(highest, rss(node.pid))
        print(f"stopped for {SECONDS:.0f} s, highest:      {highest:6.1f} MiB (+{highest - before:.1f}), "
              f"{(provider.sent - sent) / SECONDS:.0f} changes/s meanwhile")
        provider.running = False
        provider.join()
        began = time.monotonic()
        newest = provider.newest
        reader.read(30, lambda: len(reader.values) == POINTS and all(v == newest for v in reader.values.values()))
        right = sum(v == newest for v in reader.values.values())
        print(f"reading again:                  {rss(node.pid):6.1f} MiB; {right} of {POINTS} newest values after "
              f"{time.monotonic() - began:.2f} s, {reader.missed} older ones left out and told")
    finally:
        node.terminate()
        node.wait()
        subprocess.run(["rm", "-rf", str(folder)])


if __name__ == "__main__":
    sys.exit(main())
