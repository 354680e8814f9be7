"""A Logix controller made of cpppo's simulator, for the tests that need somebody else's implementation.

Takes a port (0 for a free one) and a file. Prints one line of JSON when it listens: its port, and the
tags with the values that a client must read, as cpppo keeps them. Puts a line into the file for each
write that it carries out, before it is answered: {"tag": NAME, "value": [...]}. Ends with its input.
"""

import json
import logging
import os
import socket
import sys
import threading
import time

from cpppo.server.enip import device
from cpppo.server.enip.main import main

# Tag, type, elements, values.
TAGS = [
    ("Bool", "BOOL", 1, [True]),
    ("Sint", "SINT", 1, [-100]),
    ("Int", "INT", 1, [-30000]),
    ("Dint", "DINT", 1, [-2000000000]),
    ("Lint", "LINT", 1, [-9000000000000000000]),
    ("Usint", "USINT", 1, [200]),
    ("Uint", "UINT", 1, [60000]),
    ("Udint", "UDINT", 1, [4000000000]),
    ("Ulint", "ULINT", 1, [18000000000000000000]),
    ("Real", "REAL", 1, [1.5]),
    ("Lreal", "LREAL", 1, [0.1]),
    ("String", "STRING", 1, ["M\xfcller 12"]),
    ("Short", "SSTRING", 1, ["short"]),
    ("Ints", "INT", 4, [1, -2, 3, -4]),
    ("Reals", "REAL", 600, [i / 2 for i in range(600)]),
    ("Recipe.Step.Time", "DINT", 1, [77]),
    ("Program:Main.Level", "REAL", 1, [2.25]),
    ("Setpoint", "INT", 1, [100]),
    ("Temperature", "REAL", 1, [20.5]),
]
VALUES = {name: values for name, _, _, values in TAGS}


class Attribute(device.Attribute):
    """Starts with its value and tells who writes."""

    def __init__(self, *args, **kwds):
        super().__init__(*args, **kwds)
        values = VALUES[self.name]
        self.default = values[0] if self.scalar else list(values)

    def __setitem__(self, key, value):
        super().__setitem__(key, value)
        with open(sys.argv[2], "a") as log:
            log.write(json.dumps({"tag": self.name, "value": list(value)}) + "\n")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def announce(port):
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    entries = [
        {"tag": name, "type": kind, "elements": count, "value": values}
        for name, kind, count, values in TAGS
    ]
    print(json.dumps({"port": port, "entries": entries}), flush=True)
    sys.stdin.read()
    os._exit(0)


def run():
    logging.disable(logging.CRITICAL)
    port = int(sys.argv[1]) or free_port()
    threading.Thread(target=announce, args=(port,), daemon=True).start()
    tags = [f"{name}={kind}[{count}]" for name, kind, count, _ in TAGS]
    main(["--no-config", "--no-udp", "-a", f"127.0.0.1:{port}", *tags], attribute_class=Attribute)


if __name__ == "__main__":
    run()
