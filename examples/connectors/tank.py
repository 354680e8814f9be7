#!/usr/bin/env python3
"""A connector in Python: a tank that fills. The node polls it; docs/CONNECTORS.md says how."""

import json
import sys
import time

SCHEMA = {
    "config": {
        "type": "object",
        "properties": {"litres": {"type": "number", "exclusiveMinimum": 0}},
        "required": ["litres"],
        "additionalProperties": False,
    },
    "address": {
        "type": "object",
        "properties": {"signal": {"type": "string"}},
        "required": ["signal"],
        "additionalProperties": False,
    },
}

HELLO = {"hello": {"protocol": 1, "program": "tank 1.0", "schema": SCHEMA}}


def say(word):
    """One line to the node, at once."""
    sys.stdout.write(json.dumps(word) + "\n")
    sys.stdout.flush()


class Tank:
    """The device. A real connector talks to one here."""

    def __init__(self, litres):
        self.litres, self.inflow, self.level = litres, 1.0, 0.0
        self.seen = time.monotonic()

    def read(self, signal):
        now = time.monotonic()
        self.level = min(self.litres, self.level + self.inflow * (now - self.seen))
        self.seen = now
        return {"level": self.level, "inflow": self.inflow}.get(signal)

    def write(self, signal, value):
        if signal != "inflow":
            return {"refused": {"code": "read_only", "message": f"{signal} cannot be written"}}
        self.read("level")
        self.inflow = value
        return {"applied": True, "verified": self.read("inflow") == value}


def sample(tank, point):
    value = tank.read(point["address"]["signal"])
    # An address that the device does not have is one bad datapoint, nothing more.
    return [point["id"], value] if value is not None else [point["id"], None, "bad_address"]


def serve(orders, say):
    """Obeys orders, a line each, until it is told to disconnect."""
    tank, points = None, {}
    for line in orders:
        order = json.loads(line)
        op, request = order["op"], order.get("request")
        if op in ("connect", "reconnect"):
            tank = Tank(order["config"]["litres"])
            points = {point["id"]: point for point in order["points"]}
            say({"connected": True})
        elif op == "read":
            say({"answer": request, "samples": [sample(tank, points[id]) for id in order["points"]]})
        elif op == "write":
            point = points[order["point"]]
            say({"answer": request, **tank.write(point["address"]["signal"], order["value"])})
        elif op == "ping":
            say({"answer": request})
        elif op == "disconnect":
            say({"disconnected": True})
            return


if __name__ == "__main__":
    say(HELLO)
    serve(sys.stdin, say)
