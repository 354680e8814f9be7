"""A PLC made of pyads' test server, for the tests that need somebody else's implementation.

What pyads' server answers is pyads' own; added is what it lacks: error codes for what it does not know
(it would end its thread), the list of symbols, and the count of changes of the program, kept as a
variable. Takes a port (0 for a free one) and a file. Prints one line of JSON when it listens: its port,
and the variables with the values that a client must read. Puts a line into the file for each write,
before it is answered: {"symbol": NAME, "bytes": [...]}. Takes commands, one a line: "move NAME" puts a
variable elsewhere, as a change of the program does. Ends with its input.
"""

import json
import os
import socket
import struct
import sys

from pyads import constants
from pyads.testserver import AdsTestServer, AdvancedHandler, PLCVariable
from pyads.testserver.handler import AmsResponseData

NO_SYMBOL, NO_GROUP = 0x710, 0x702
BY_NAME = (constants.ADSIGRP_SYM_HNDBYNAME, constants.ADSIGRP_SYM_INFOBYNAMEEX)
VERSION = (0xF008, 0)


def text(value, size):
    return value.encode("latin-1").ljust(size, b"\0")


def wide(value, size):
    return value.encode("utf-16-le").ljust(size, b"\0")


# Symbol, type in the program, type of ADS, the endpoint's type and length, bytes, value.
VARIABLES = [
    ("MAIN.bRun", "BOOL", constants.ADST_BIT, "BOOL", None, struct.pack("<?", True), True),
    ("MAIN.n8", "SINT", constants.ADST_INT8, "SINT", None, struct.pack("<b", -100), -100),
    ("MAIN.u8", "USINT", constants.ADST_UINT8, "uint8", None, struct.pack("<B", 200), 200),
    ("MAIN.n16", "INT", constants.ADST_INT16, "INT", None, struct.pack("<h", -30000), -30000),
    ("MAIN.u16", "WORD", constants.ADST_UINT16, "WORD", None, struct.pack("<H", 60000), 60000),
    ("MAIN.n32", "DINT", constants.ADST_INT32, "int32", None, struct.pack("<i", -2000000000), -2000000000),
    ("MAIN.u32", "UDINT", constants.ADST_UINT32, "UDINT", None, struct.pack("<I", 4000000000), 4000000000),
    ("MAIN.n64", "LINT", constants.ADST_INT64, "LINT", None, struct.pack("<q", -(2**60)), -(2**60)),
    ("MAIN.u64", "ULINT", constants.ADST_UINT64, "LWORD", None, struct.pack("<Q", 2**63 + 5), 2**63 + 5),
    ("MAIN.fSpeed", "REAL", constants.ADST_REAL32, "real32", None, struct.pack("<f", 1.5), 1.5),
    ("MAIN.fLong", "LREAL", constants.ADST_REAL64, "LREAL", None, struct.pack("<d", 0.1), 0.1),
    ("GVL.sName", "STRING(20)", constants.ADST_STRING, "STRING", None, text("M\xfcller", 21), "M\xfcller"),
    ("GVL.wsName", "WSTRING(10)", constants.ADST_WSTRING, "WSTRING", None, wide("\u20ac 5", 22), "\u20ac 5"),
    ("GVL.tCycle", "TIME", constants.ADST_UINT32, "TIME", None, struct.pack("<I", 1500), 1500),
    ("GVL.dtStart", "DATE_AND_TIME", constants.ADST_UINT32, "DT", None, struct.pack("<I", 1700000000), 1700000000000000),
    ("GVL.dStart", "DATE", constants.ADST_UINT32, "DATE", None, struct.pack("<I", 1699920000), 1699920000000000),
    ("GVL.aLevels", "ARRAY [1..4] OF INT", constants.ADST_INT16, "INT", 4, struct.pack("<4h", 1, -2, 3, -4), [1, -2, 3, -4]),
    ("GVL.aFloats", "ARRAY [0..2] OF REAL", constants.ADST_REAL32, "REAL", 3, struct.pack("<3f", 0.5, 1.5, -2.5), [0.5, 1.5, -2.5]),
    ("MAIN.nSetpoint", "INT", constants.ADST_INT16, "INT", None, struct.pack("<h", 100), 100),
]


class Variable(PLCVariable):
    """Tells who writes."""

    def write(self, value, request=None):
        super().write(value, request)
        with open(sys.argv[2], "a") as log:
            log.write(json.dumps({"symbol": self.name, "bytes": list(value)}) + "\n")


class Handler(AdvancedHandler):
    def handle_request(self, request):
        data = request.ams_header.data
        group = struct.unpack("<I", data[:4])[0] if len(data) >= 4 else 0
        command = struct.unpack("<H", request.ams_header.command_id)[0]
        symbols = [var for key, var in self._data.items() if key != VERSION]
        entries = b"".join(var.get_packed_info() for var in symbols)
        try:
            if command == constants.ADSCOMMAND_READ and group == constants.ADSIGRP_SYM_UPLOADINFO2:
                info = struct.pack("<6I", len(symbols), len(entries), 0, 0, 0, 0)
                return self.said(request, struct.pack("<II", 0, len(info)) + info)
            if command == constants.ADSCOMMAND_READ and group == constants.ADSIGRP_SYM_UPLOAD:
                return self.said(request, struct.pack("<II", 0, len(entries)) + entries)
            return super().handle_request(request)
        except KeyError:
            code = NO_SYMBOL if group in BY_NAME else NO_GROUP
            return self.said(request, struct.pack("<I", code))

    def said(self, request, data):
        state = struct.unpack("<H", request.ams_header.state_flags)[0] | 1
        return AmsResponseData(struct.pack("<H", state), b"\0\0\0\0", data)

    def move(self, name):
        var = self.get_variable_by_name(name)
        del self._data[(var.index_group, var.index_offset)]
        stranger = PLCVariable("STRANGER", b"\x55" * var.size, var.ads_type, var.symbol_type)
        stranger.index_group, stranger.index_offset = var.index_group, var.index_offset
        var.index_offset += 100000
        # First the count, then the places: as a client sees it that asks in between.
        version = self._data[VERSION]
        version.value = bytes([version.value[0] + 1])
        self.add_variable(stranger)
        self.add_variable(var)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run():
    port = int(sys.argv[1]) or free_port()
    handler = Handler()
    handler.add_variable(PLCVariable("", b"\x01", constants.ADST_UINT8, "USINT", *VERSION))
    entries = []
    for name, type_name, kind, data_type, length, value, wanted in VARIABLES:
        handler.add_variable(Variable(name, value, kind, type_name))
        entries.append({"symbol": name, "type": data_type, "length": length, "value": wanted})
    server = AdsTestServer(handler=handler, port=port, logging=False)
    server.start()
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
    print(json.dumps({"port": port, "entries": entries}), flush=True)
    for line in sys.stdin:
        match line.split():
            case ["move", name]:
                handler.move(name)
                print(json.dumps({"ok": True}), flush=True)
    os._exit(0)


if __name__ == "__main__":
    run()
