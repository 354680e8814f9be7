#!/usr/bin/env python3
"""The tank of tank.py on another machine: it comes to the node over its API. The lines are the
same; docs/CONNECTORS.md says how they travel.

    MAINSTEM_TOKEN=... python3 remote_tank.py https://line1:8443 tank ca.pem
"""

import http.client
import json
import os
import ssl
import sys
import time
from urllib.parse import quote, urlsplit

import tank

SILENCE = 60  # seconds: the node asks for a sign of life far more often


class Node:
    """The node, with a connection for its orders and one for what is said to it."""

    def __init__(self, url, name, token, authorities):
        self.address = urlsplit(url)
        self.path = f"/api/v1/adapters/{quote(name, safe='')}/connector"
        self.token = token
        self.tls = ssl.create_default_context(cafile=authorities)
        self.connections = []

    def connect(self):
        host, port = self.address.hostname, self.address.port
        connection = http.client.HTTPSConnection(host, port, timeout=SILENCE, context=self.tls)
        self.connections.append(connection)
        return connection

    def post(self, connection, path, word):
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/x-ndjson",
        }
        connection.request("POST", path, json.dumps(word) + "\n", headers)
        answer = connection.getresponse()
        if answer.status not in (200, 204):
            text = answer.read().decode(errors="replace")
            raise ConnectionError(f"the node says {answer.status}: {text}")
        return answer

    def session(self):
        """From the hello to the end of the orders."""
        orders = self.post(self.connect(), self.path, tank.HELLO)
        session = json.loads(orders.readline())["session"]
        voice = self.connect()

        def say(word):
            self.post(voice, f"{self.path}/{session}", word).read()

        # `mainstem adapters log tank` shows it.
        say({"log": f"the tank runs as process {os.getpid()}"})
        tank.serve(iter(orders.readline, b""), say)

    def close(self):
        while self.connections:
            self.connections.pop().close()


def main():
    url, name, *authorities = sys.argv[1:]
    token = os.environ["MAINSTEM_TOKEN"]
    node, wait = Node(url, name, token, authorities[0] if authorities else None), 1
    while True:
        try:
            node.session()
            print("the session is over", file=sys.stderr)
            wait = 1
        except (OSError, http.client.HTTPException, ValueError) as error:
            print(f"no session: {error}; again in {wait} s", file=sys.stderr)
        node.close()
        time.sleep(wait)
        wait = min(2 * wait, 30)


if __name__ == "__main__":
    main()
