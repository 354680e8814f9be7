"""A server of HSYCO's Remote API, written from its public description alone, with odd habits.

    hsyco_server.py CERTIFICATE KEY PASSWORD HOLD

serves HTTPS on a free port of 127.0.0.1 and holds requests without news for HOLD seconds (which is
also how long a refused connection stays open). Prints one line of JSON with its port, then takes
commands, one a line, and answers each with one line of JSON:

    set NAME TEXT    changes a datapoint; TEXT is JSON
    remove NAME      takes it out; nobody is told, as the protocol has it
    mode WORD        plain: the documented form
                     odd: other white space and order, fields that nobody knows
                     latin: as ISO 8859-1
                     garbage: an answer that is none
                     cut: half an answer
                     silent: takes requests and answers none
                     status: 500
    password TEXT    from now on this is the password
    clock SECONDS    moves the clock of the time stamps
    requests         the time stamps that were asked for, oldest first
    exit             ends; so does the end of the input
"""

import json
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class State:
    """Datapoints with the time of their last change, in microseconds of a clock that can step."""

    def __init__(self, password, hold):
        self.changed = threading.Condition()
        self.points = {}
        self.last = 1
        self.offset = 0.0
        self.mode = "plain"
        self.password = password
        self.hold = hold
        self.requests = []

    def now(self):
        return int((time.time() + self.offset) * 1_000_000)

    def set(self, name, text):
        with self.changed:
            self.last = self.now()
            self.points[name] = (text, self.last)
            self.changed.notify_all()

    def since(self, stamp):
        return {n: t for n, (t, at) in self.points.items() if stamp == 1 or at > stamp}

    def wait(self, stamp):
        """What changed behind a time stamp, at once or when something does, or nothing."""
        deadline = time.monotonic() + self.hold
        with self.changed:
            while not (news := self.since(stamp)) and stamp != 1:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self.changed.wait(left)
            return self.last, news


STATE = None


def plain(stamp, news):
    parts = ",".join(f"{json.dumps(n)}: {json.dumps(t)}" for n, t in news.items())
    io = f',\n"io":{{{parts}}}' if news else ""
    return f'{{"hsycostate":{{\n"timestamp":{stamp},"system":"system","topotime":1{io}}}}}'


def odd(stamp, news):
    state = {"later": {"x": [1, None]}, "topotime": 1}
    if news:
        state = {"io": news, **state}
    state["timestamp"] = stamp
    document = json.dumps({"more": True, "hsycostate": state}, indent=3, ensure_ascii=False)
    return "\r\n\t " + document.replace("\n", "\r\n") + "\n\n"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def drop(self):
        time.sleep(STATE.hold)
        self.close_connection = True

    def do_GET(self):
        path, _, query = self.path.partition("?")
        fields = query.split("*", 2)
        if path != "/x/rioget" or len(fields) != 3 or fields[0] != "1":
            return self.drop()
        if fields[2] != STATE.password or not fields[1].isdigit():
            return self.drop()
        stamp = int(fields[1])
        STATE.requests.append(stamp)
        if STATE.mode == "silent":
            time.sleep(STATE.hold * 20)
            return self.drop()
        stamp, news = STATE.wait(stamp)
        self.answer(stamp, news)

    def answer(self, stamp, news):
        mode = STATE.mode
        text = (odd if mode == "odd" else plain)(stamp, news)
        if mode == "latin":
            state = {"timestamp": stamp, "topotime": 1, "io": news}
            text = json.dumps({"hsycostate": state}, ensure_ascii=False)
        body = text.encode("latin-1" if mode == "latin" else "utf-8")
        if mode == "garbage":
            body = b"<html>not what you asked for</html>"
        self.send_response(500 if mode == "status" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if mode == "cut":
            body, self.close_connection = body[: len(body) // 2], True
        self.wfile.write(body)


def command(words):
    word, rest = words[0], words[1:]
    if word == "set":
        STATE.set(rest[0], json.loads(" ".join(rest[1:])))
    elif word == "remove":
        with STATE.changed:
            STATE.points.pop(rest[0], None)
    elif word == "mode":
        STATE.mode = rest[0]
    elif word == "password":
        STATE.password = rest[0]
    elif word == "clock":
        STATE.offset += float(rest[0])
    elif word == "requests":
        return list(STATE.requests)
    return True


class Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client that goes away is no news."""

    def finish_request(self, request, address):
        # The handshake belongs to the thread of its connection.
        with self.tls.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, address)


def main():
    global STATE
    certificate, key, password, hold = sys.argv[1:]
    STATE = State(password, float(hold))
    server = Quiet(("127.0.0.1", 0), Handler)
    server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.tls.load_cert_chain(certificate, key)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"port": server.server_address[1]}), flush=True)
    for line in sys.stdin:
        words = line.rstrip("\n").split(" ")
        if words[0] == "exit":
            break
        print(json.dumps(command(words)), flush=True)


main()
