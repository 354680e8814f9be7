"""Nodes in network namespaces of their own, and what happens to the links between them.

Standard library only, but for the delay (NetfilterQueue). Needs root. The namespaces, links and processes that it makes
end with the `with` block; the machine's own network is not touched. Addresses are from 198.18.0.0/15 (RFC 2544).
"""
import contextlib
import ctypes
import http.client
import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = os.environ.get("MAINSTEM", str(HERE.parents[1] / "target/release/mainstem"))
TOKEN = "figures-benchmark-only"
PORT = 8443
TICK = os.sysconf("SC_CLK_TCK")
CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


def sh(*command, check=True):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if check and done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
    return done.stdout


def load():
    return os.getloadavg()[0]


def trust_nobody():
    """The lab's nodes are on this machine; who they are does not matter to the figures."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class Node:
    """One process of mainstem."""

    def __init__(self, lab, space, name, address, port=PORT, sections="", resources="", folder=None,
                 congestion=None):
        self.lab, self.space, self.name, self.address, self.port = lab, space, name, address, port
        self.folder = pathlib.Path(folder or lab.folder) / name
        self.folder.mkdir(parents=True)
        listen = f"  - address: {address}:{port}\n" + (f"    congestion: {congestion}\n" if congestion else "")
        (self.folder / "node.yaml").write_text(
            f"version: 1\nnode: {{ name: {name} }}\nunix_socket: \"off\"\nlisten:\n{listen}"
            f"log: {{ level: warn }}\n{sections}roles:\n"
            "  all: { read: [ \"**\" ], write: [ \"**\" ], admin: true, link: true, provide: p }\n"
            f"tokens:\n  - {{ name: all, role: all, token: {TOKEN} }}\n"
            f"resources:{resources or ' {}'}\n")
        self.process = None

    def ca(self):
        return self.folder / "data" / "ca.pem"

    def start(self):
        log = open(self.folder / "log", "ab")
        self.process = self.lab.spawn(self.space, [PROGRAM, "run", "-c", self.folder / "node.yaml"], log)
        def comes():
            if self.process.poll() is not None:
                raise SystemExit(f"{self.name} ended: {(self.folder / 'log').read_text()}")
            return self.ca().exists() and self.answers()
        until(comes, 60, f"{self.name} comes up")
        return self

    def answers(self):
        with contextlib.suppress(OSError, ssl.SSLError):
            self.connect().close()
            return True
        return False

    def connect(self):
        raw = self.lab.socket(self.space, self.address, self.port)
        return trust_nobody().wrap_socket(raw)

    def ask(self, method, path, body=None):
        """One request of the API on a connection that is kept, one per thread; a read that finds it closed by the node,
        which does that to idle ones, is made again."""
        kept, key = self.lab.kept.__dict__, (self.name, self.folder)
        for again in (True, False):
            if key not in kept:
                kept[key] = http.client.HTTPConnection(self.address, self.port, timeout=30)
                kept[key].sock = self.connect()
            try:
                kept[key].request(method, f"/api/v1/{path}", body and json.dumps(body),
                                  {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"})
                return json.loads(kept[key].getresponse().read())
            except (OSError, http.client.HTTPException):
                del kept[key]
                if method != "GET" or not again:
                    raise

    def remotes(self):
        return self.ask("GET", "remotes")["items"]

    def rss(self):
        """Resident memory in MiB."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        return 0.0

    def cpu(self):
        """Seconds of processor so far."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def end(self, kill=False):
        (self.process.kill if kill else self.process.terminate)()
        self.process.wait()


def remote(below, more="", name=None, address=None):
    """The remote entry for a node below."""
    return (f"\n  {name or below.name}:\n    type: Remote\n    properties:\n"
            f"      address: https://{address or below.address}:{below.port}\n"
            f"      token: {TOKEN}\n      ca: {below.ca()}\n      write: [ \"**\" ]\n{more}")


def until(look, seconds, what):
    end = time.monotonic() + seconds
    while True:
        if found := look():
            return found
        if time.monotonic() > end:
            raise SystemExit(f"within {seconds} s it does not happen that {what}")
        time.sleep(0.05)


class Lab:
    """Namespaces 0 to `spaces` - 1 in a chain: link i joins space i (address .1) and i + 1 (.2)."""

    def __init__(self, spaces):
        if os.geteuid():
            raise SystemExit("network namespaces need root")
        self.tag, self.spaces, self.processes, self.kept = f"fig{os.getpid()}", spaces, [], threading.local()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="mainstem-figures-"))

    def name(self, space):
        return f"{self.tag}-{space}"

    def __enter__(self):
        for space in range(self.spaces):
            sh("ip", "netns", "add", self.name(space))
            sh("ip", "-n", self.name(space), "link", "set", "lo", "up")
        for link in range(self.spaces - 1):
            sh("ip", "link", "add", f"up{link}", "netns", self.name(link), "type", "veth",
               "peer", "name", f"dn{link}", "netns", self.name(link + 1))
            for space, device, address in self.ends(link):
                sh("ip", "-n", self.name(space), "addr", "add", f"{address}/24", "dev", device)
                sh("ip", "-n", self.name(space), "link", "set", device, "up")
                # Packets as a cable carries them: a lost one is 1,500 bytes and not 64 KiB.
                self.run(space, "ethtool", "-K", device, "tso", "off", "gso", "off", "gro", "off")
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.kill()
                process.wait()
        for space in range(self.spaces):
            sh("ip", "netns", "del", self.name(space), check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def ends(self, link):
        return ((link, f"up{link}", self.low(link)), (link + 1, f"dn{link}", f"198.18.{link}.2"))

    @staticmethod
    def low(link):
        return f"198.18.{link}.1"

    def run(self, space, *command):
        return sh("ip", "netns", "exec", self.name(space), *command)

    def spawn(self, space, command, log):
        command = ["ip", "netns", "exec", self.name(space), *map(str, command)]
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.processes.append(process)
        return process

    def socket(self, space, address, port):
        """A connection made inside a namespace: a socket stays where its thread was."""
        made = []

        def make():
            space_file = os.open(f"/var/run/netns/{self.name(space)}", os.O_RDONLY)
            try:
                if LIBC.setns(space_file, CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
                made.append(socket.create_connection((address, port), 10))
            except OSError as error:
                made.append(error)
            finally:
                os.close(space_file)

        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
        if isinstance(made[0], OSError):
            raise made[0]
        made[0].settimeout(None)
        made[0].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made[0]

    def delay(self, link, seconds, jitter=0.0, loss=0.0):
        """Delay, jitter and loss in both directions, in user space (delay.py)."""
        for space, device, _ in self.ends(link):
            queue = 10 * space + link + 1
            self.run(space, "iptables-legacy", "-I", "INPUT", "-i", device, "-j", "NFQUEUE", "--queue-num", queue)
            log = open(self.folder / f"delay{space}{link}", "ab")
            self.spawn(space, [sys.executable, HERE / "delay.py", queue, seconds, jitter, loss, 7 * queue], log)
        time.sleep(1.0)
        if dead := [p for p in self.processes[-2:] if p.poll() is not None]:
            raise SystemExit(f"the delay does not run ({dead}): pip install NetfilterQueue, libnetfilter-queue-dev")

    def rate(self, link, rate):
        for space, device, _ in self.ends(link):
            self.run(space, "tc", "qdisc", "add", "dev", device, "root", "tbf", "rate", rate, "burst", "16kbit",
                     "latency", "400ms")

    def cut(self, link, ports=()):
        """Loses everything of a link, or of some ports of its lower end, and tells nobody."""
        for space, device, _ in self.ends(link):
            rules = [f"iif {device} drop"] if not ports else \
                [f"iif {device} tcp {side} {{ {', '.join(map(str, ports))} }} drop" for side in ("dport", "sport")]
            self.run(space, "nft", f"add table inet cut; add chain inet cut in "
                     f"{{ type filter hook input priority -400; }}; "
                     + "; ".join(f"add rule inet cut in {rule}" for rule in rules))

    def heal(self, link):
        for space, _, _ in self.ends(link):
            self.run(space, "nft", "delete table inet cut")

    def bytes(self, link):
        for line in self.run(link, "cat", "/proc/net/dev").splitlines():
            fields = line.replace(":", " ").split()
            if fields and fields[0] == f"up{link}":
                return int(fields[1]) + int(fields[9])
        return 0
