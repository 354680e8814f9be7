"""mainstem as a contestant of the peers' harness (PEERS_EXTRA=…/mainstem.py ./bench.py w1 mainstem …).

Needs `mainstem` and `mainstem-load`, built with `cargo build --release -p mainstem -p mainstem-load`; MAINSTEM and
MAINSTEM_LOAD name them where they are not in target/release.

A chain of nodes, each with its own data folder, key and certificate. The concentrator dials down, as always: level i
reads level i - 1 over HTTP/2 and TLS 1.3, verified against the CA of the node below, in `every` delivery.
"""
import os
import pathlib
import time

from contestants import Contestant

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = os.environ.get("MAINSTEM", str(ROOT / "target/release/mainstem"))
LOAD = os.environ.get("MAINSTEM_LOAD", str(ROOT / "target/release/mainstem-load"))
PORT = 8443
TOKENS = {who: f"benchmark-only-{who}-token" for who in ("publisher", "reader", "above")}


class Mainstem(Contestant):
    tls = True

    def __init__(self, name="mainstem", shape="rows", delivery="every"):
        self.name, self.shape, self.delivery = name, shape, delivery

    def folder(self, lab, i):
        return lab.dir / f"node{i}"

    def conf(self, lab, i):
        top = i == lab.levels - 1
        listen = ["127.0.0.1"] + ([lab.low(i)] if not top else [])
        c = ["version: 1", f"node: {{ name: level{i}, data: node{i} }}", "unix_socket: \"off\"", "listen:"]
        c += [f"  - address: {a}:{PORT}" for a in listen]
        c += ["log: { level: warn }", "roles:", "  source: { read: [ \"**\" ], provide: line00 }", "tokens:"]
        for who, role in (("publisher", "source"), ("reader", "viewer"), ("above", "concentrator")):
            c.append(f"  - {{ name: {who}, role: {role}, token: {TOKENS[who]} }}")
        c.append("resources:" if i else "resources: {}")
        if i:
            c += ["  below:", "    type: Remote", "    properties:",
                  f"      address: https://{lab.low(i - 1)}:{PORT}", f"      token: {TOKENS['above']}",
                  f"      ca: {self.folder(lab, i - 1)}/{CA}",
                  f"      prefix: {'plantA' if i == 1 else 'ent'}", f"      delivery: {self.delivery}"]
        p = lab.dir / f"mainstem{i}.yaml"
        p.write_text("\n".join(c) + "\n")
        return p

    def one(self, lab, i):
        return lab.server(i, [BIN, "run", "-c", self.conf(lab, i)], log=f"mainstem{i}.log")

    def start(self, lab):
        for i in range(lab.levels):
            self.one(lab, i)
            lab.wait_port(i, PORT)
        time.sleep(1.5)

    def node(self, lab, i, who, board):
        return ["--addr", f"127.0.0.1:{PORT}", "--ca", self.folder(lab, i) / CA, "--token", TOKENS[who], "--file", board]

    def pub(self, lab, board, *extra):
        return [LOAD, "pub", "--shape", self.shape, *self.node(lab, 0, "publisher", board), *extra]

    def sub(self, lab, board, *extra):
        return [LOAD, "sub", "--delivery", self.delivery, *self.node(lab, lab.levels - 1, "reader", board), *extra]

    def load(self, lab, board):
        self.one(lab, 0)
        lab.wait_port(0, PORT)
        lab.tool(0, self.pub(lab, board, "--window", 10**12, "--secs", 60, "--count", lab.points))

    def join(self, lab, board):
        self.one(lab, 1)


CA = "ca.pem"
# `mainstem` is fed rows of 128 samples per chunk, as a gateway or a connector sends them. `-named` is fed what the
# peers are fed: each sample alone, with its name. `-single` is a careless client: a chunk, and a write, per sample.
CONTESTANTS = [Mainstem(), Mainstem("mainstem-named", shape="named"), Mainstem("mainstem-single", shape="single"),
               Mainstem("mainstem-latest", delivery="latest")]
