"""A machine tool for the tests: an SHDR adapter, and an agent over HTTP in front of the same data.

Neither is somebody else's implementation: no package has one. What they say was checked against the
agent of the MTConnect Institute (src/adapter/mtconnect/README.md).

    mtconnect_machine.py [--buffer COUNT] [--heartbeat MS] [--no-pong]

Prints one line of JSON when it listens: the port of the adapter (`port`) and of the agent (`agent`).
Then it takes commands, one a line, and answers each with one line of JSON:

    say LINE               sends a line to whoever reads the adapter, behind a stamp
    observe ID VALUE       an observation, by both ways
    condition ID LEVEL CODE TEXT
    restart                the agent loses what it has kept, and has another instance
    cut                    closes every stream of the agent
    mute | unmute          the adapter gives no more signs of life
    exit                   ends; so does the end of the input
"""

import argparse
import json
import socketserver
import sys
import threading
import time
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse
from xml.sax.saxutils import escape, quoteattr

NAMESPACE = "urn:mtconnect.org:MTConnect{0}:1.8"
# id, name, category, element, attributes of the probe
ITEMS = [
    ("avail", "", "EVENT", "Availability", 'type="AVAILABILITY"'),
    ("x2", "Xact", "SAMPLE", "Position", 'type="POSITION" subType="ACTUAL" units="MILLIMETER"'),
    ("pp", "Ppos", "SAMPLE", "PathPosition", 'type="PATH_POSITION" units="MILLIMETER_3D"'),
    ("exec", "execution", "EVENT", "Execution", 'type="EXECUTION"'),
    ("msg", "", "EVENT", "Message", 'type="MESSAGE"'),
    ("sys", "", "CONDITION", "", 'type="SYSTEM"'),
    ("ts", "vib", "SAMPLE", "PathPosition", 'type="ACCELERATION" representation="TIME_SERIES"'),
    ("vars", "", "EVENT", "VariableDataSet", 'type="VARIABLE" representation="DATA_SET"'),
]
START = [("avail", "AVAILABLE"), ("x2", "1.5"), ("pp", "1 2 3"), ("exec", "READY"), ("ts", "1 2 3 4")]


def now():
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Machine:
    def __init__(self, buffer):
        self.changed = threading.Condition()
        self.buffer = buffer
        self.cuts = 0
        self.muted = False
        self.readers = []
        self.begin(1000)

    def begin(self, instance):
        self.instance, self.next, self.kept, self.latest = instance, 1, [], {}
        for item, *_ in ITEMS:
            if item == "sys":
                self.add(item, ("Unavailable", "", ""))
            else:
                self.add(item, dict(START).get(item, "UNAVAILABLE"))

    def add(self, item, value):
        one = (self.next, item, value, now())
        self.next += 1
        self.kept = (self.kept + [one])[-self.buffer :]
        if item == "sys":
            level, code, _ = value
            active = [old for old in self.latest.get(item, []) if old[2][0] in ("Fault", "Warning")]
            active = [old for old in active if code and old[2][1] != code]
            plain = level in ("Fault", "Warning") or not active
            self.latest[item] = active + ([one] if plain else [])
        else:
            self.latest[item] = [one]

    def observe(self, item, value):
        with self.changed:
            self.add(item, value)
            self.changed.notify_all()

    def first(self):
        return self.kept[0][0] if self.kept else self.next

    def document(self, kept, following):
        rows = {"SAMPLE": [], "EVENT": [], "CONDITION": []}
        for number, item, value, at in kept:
            _, name, category, element, _ = next(row for row in ITEMS if row[0] == item)
            head = f'dataItemId="{item}" sequence="{number}" timestamp="{at}"'
            head += f' name="{name}"' if name else ""
            if category == "CONDITION":
                level, code, text = value
                rows[category].append(
                    f'<{level} {head} type="SYSTEM" nativeCode={quoteattr(code)}>{escape(text)}</{level}>'
                )
            elif item == "vars":
                rows[category].append(f'<{element} {head}><Entry key="a">1</Entry></{element}>')
            else:
                rows[category].append(f"<{element} {head}>{escape(value)}</{element}>")
        groups = [("Samples", "SAMPLE"), ("Events", "EVENT"), ("Condition", "CONDITION")]
        inner = "".join(f"<{tag}>{''.join(rows[of])}</{tag}>" for tag, of in groups if rows[of])
        header = (
            f'<Header instanceId="{self.instance}" bufferSize="{self.buffer}" version="1.8.0.0" '
            f'creationTime="{now()}" sender="tests" nextSequence="{following}" '
            f'firstSequence="{self.first()}" lastSequence="{self.next - 1}"/>'
        )
        return xml(
            "Streams",
            f'{header}<Streams><DeviceStream name="mill" uuid="u1"><ComponentStream component="Device" '
            f'componentId="d">{inner}</ComponentStream></DeviceStream></Streams>',
        )

    def current(self):
        with self.changed:
            latest = [one for all in self.latest.values() for one in all]
            return self.document(latest, self.next)

    def sample(self, start, count):
        """A document and where the next begins, or an error."""
        if not self.first() <= start <= self.next:
            text = f"'from' must be between {self.first()} and {self.next}"
            return xml("Error", error("OUT_OF_RANGE", text)), None
        kept = [one for one in self.kept if one[0] >= start][:count]
        following = kept[-1][0] + 1 if kept else start
        return self.document(kept, following), following


def error(code, text):
    return f'<Header instanceId="1"/><Errors><Error errorCode="{code}">{escape(text)}</Error></Errors>'


def xml(kind, inner):
    root = f"MTConnect{kind}"
    space = NAMESPACE.format(kind)
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{space}">{inner}</{root}>\n'
    return text.encode()


def probe():
    rows = "".join(
        f'<DataItem id="{item}" category="{category}"{f" name={quoteattr(name)}" if name else ""} {more}/>'
        for item, name, category, _, more in ITEMS
    )
    device = f'<Device id="d" name="mill" uuid="u1"><DataItems>{rows}</DataItems></Device>'
    return xml("Devices", f"<Header/><Devices>{device}</Devices>")


class Agent(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        url = urlparse(self.path)
        query = {key: value[0] for key, value in parse_qs(url.query).items()}
        *device, request = url.path.strip("/").split("/")
        machine = self.server.machine
        if device not in ([], ["mill"], ["u1"]):
            return self.answer(xml("Error", error("NO_DEVICE", "no such device")), 404)
        if request == "probe":
            return self.answer(probe())
        if request == "current":
            return self.answer(machine.current())
        if request != "sample":
            return self.answer(xml("Error", error("UNSUPPORTED", "no such request")), 404)
        start, count = int(query.get("from", 1)), int(query.get("count", 100))
        with machine.changed:
            document, following = machine.sample(start, count)
        if "interval" not in query or following is None:
            return self.answer(document)
        self.stream(start, count, int(query["interval"]) / 1000, int(query["heartbeat"]) / 1000)

    def answer(self, body, status=200):
        self.send_response(status)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self, start, count, interval, heartbeat):
        machine = self.server.machine
        cuts = machine.cuts
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace;boundary=part")
        self.send_header("Connection", "close")
        self.end_headers()
        while True:
            with machine.changed:
                machine.changed.wait_for(
                    lambda: machine.cuts != cuts or machine.next != start, timeout=heartbeat
                )
                if machine.cuts != cuts:
                    return
                document, following = machine.sample(start, count)
            head = f"--part\r\nContent-type: text/xml\r\nContent-length: {len(document)}\r\n\r\n"
            try:
                self.wfile.write(head.encode() + document + b"\r\n")
                self.wfile.flush()
            except OSError:
                return
            if following is None:
                return
            start = following
            time.sleep(interval)


class Adapter(socketserver.StreamRequestHandler):
    def handle(self):
        machine = self.server.machine
        with machine.changed:
            machine.readers.append(self.wfile)
            for all in machine.latest.values():
                for _, item, value, at in all:
                    self.wfile.write(line(at, item, value).encode())
        for said in self.rfile:
            if said.startswith(b"* PING") and not machine.muted and self.server.pong:
                with machine.changed:
                    self.wfile.write(f"* PONG {self.server.pong}\n".encode())
        with machine.changed:
            machine.readers.remove(self.wfile)


def line(at, item, value):
    if item == "sys":
        level, code, text = value
        return f"{at}|sys|{level.upper()}|{code}|1||{text}\n"
    if item == "ts":
        return f"{at}|ts|{len(value.split())}|100|{value}\n"
    if item == "msg":
        return f"{at}|msg|M1|{value}\n"
    name = next(row[1] or row[0] for row in ITEMS if row[0] == item)
    return f"{at}|{name}|{value}\n"


def tell(machine, text):
    with machine.changed:
        for reader in list(machine.readers):
            try:
                reader.write(text.encode())
            except OSError:
                pass


def carry_out(machine, command):
    verb, _, rest = command.partition(" ")
    if verb == "say":
        tell(machine, f"{now()}|{rest}\n")
    elif verb == "observe":
        item, value = rest.split(" ", 1)
        machine.observe(item, value)
        tell(machine, line(now(), item, value))
    elif verb == "condition":
        item, level, code, *text = (rest + " ").split(" ", 3)
        value = (level.capitalize(), "" if code == "-" else code, "".join(text).strip())
        machine.observe(item, value)
        tell(machine, line(now(), item, value))
    elif verb == "restart":
        with machine.changed:
            machine.begin(machine.instance + 1)
            machine.cuts += 1
            machine.changed.notify_all()
    elif verb == "cut":
        with machine.changed:
            machine.cuts += 1
            machine.changed.notify_all()
    elif verb in ("mute", "unmute"):
        machine.muted = verb == "mute"
    else:
        return False
    return True


class Lines(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--agent-port", type=int, default=0)
    parser.add_argument("--buffer", type=int, default=1000)
    parser.add_argument("--heartbeat", type=int, default=300)
    parser.add_argument("--no-pong", action="store_true")
    options = parser.parse_args()
    machine = Machine(options.buffer)
    lines = Lines(("127.0.0.1", options.port), Adapter)
    agent = ThreadingHTTPServer(("127.0.0.1", options.agent_port), Agent)
    agent.daemon_threads = True
    lines.pong = 0 if options.no_pong else options.heartbeat
    lines.machine = agent.machine = machine
    for server in (lines, agent):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    ports = {"port": lines.server_address[1], "agent": agent.server_address[1]}
    print(json.dumps(ports), flush=True)
    for command in sys.stdin:
        command = command.strip()
        if command in ("", "exit"):
            return
        print(json.dumps({"ok": carry_out(machine, command)}), flush=True)


main()
