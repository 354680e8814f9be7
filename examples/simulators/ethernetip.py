"""A Logix controller, made of cpppo's simulator: python3 ethernetip.py PORT

A temperature (REAL), a count of pieces (DINT), an order (STRING), a pump (BOOL), four levels (INT), and a
setpoint of program Main (REAL).
"""

import logging
import sys

from cpppo.server.enip import device
from cpppo.server.enip.main import main

TAGS = {
    "Temperature=REAL": 20.5,
    "Pieces=DINT": 100000,
    "Order=STRING": "A-4711",
    "Pump=BOOL": True,
    "Levels=INT[4]": [10, 20, 30, 40],
    "Program:Main.Setpoint=REAL": 21.0,
}
VALUES = {tag.split("=")[0]: value for tag, value in TAGS.items()}


class Attribute(device.Attribute):
    """A tag that begins with its value."""

    def __init__(self, *args, **kwds):
        super().__init__(*args, **kwds)
        self.default = VALUES[self.name]


logging.disable(logging.CRITICAL)
arguments = ["--no-config", "--no-udp", "--address", f"127.0.0.1:{sys.argv[1]}", *TAGS]
main(arguments, attribute_class=Attribute)
