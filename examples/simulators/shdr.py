"""The adapter of a machine tool, which speaks SHDR: python3 shdr.py PORT

Keys: Xact (a position), execution (a state) and system (a condition with one warning).
"""

import socketserver
import sys
from datetime import datetime, timezone


class Adapter(socketserver.StreamRequestHandler):
    def handle(self):
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        for said in ["Xact|12.5|execution|ACTIVE", "system|warning|W1|1||coolant is low"]:
            self.wfile.write(f"{now}|{said}\n".encode())
        for line in self.rfile:
            if line.startswith(b"* PING"):
                self.wfile.write(b"* PONG 1000\n")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


Server(("127.0.0.1", int(sys.argv[1])), Adapter).serve_forever()
