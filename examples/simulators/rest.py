"""A machine with a small REST interface, of Python alone: python3 rest.py PORT

GET /state is {"temperature": 20.5, "counters": {"pieces": 100000}, "setpoint": 20.5}; PUT /setpoint
takes {"value": 21.5}.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STATE = {"temperature": 20.5, "counters": {"pieces": 100000}, "setpoint": 20.5}


class Machine(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, code, content):
        body = json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(200 if self.path == "/state" else 404, STATE)

    def do_PUT(self):
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        STATE["setpoint"] = told["value"]
        self.answer(200, {})

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Machine).serve_forever()
