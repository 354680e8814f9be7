"""A TwinCAT PLC, made of pyads' test server: python3 ads.py PORT

MAIN has a temperature (REAL), a count of pieces (DINT), an order (STRING(20)), a pump (BOOL) and four
levels (INT). What that server does not know it does not answer, so errors are added; and the count of
changes of a PLC's program, as a variable.
"""

import struct
import sys
import time

from pyads import constants
from pyads.testserver import AdsTestServer, AdvancedHandler, PLCVariable
from pyads.testserver.handler import AmsResponseData

BY_NAME = (constants.ADSIGRP_SYM_HNDBYNAME, constants.ADSIGRP_SYM_INFOBYNAMEEX)
NO_SYMBOL, NO_GROUP = 0x710, 0x702


class Plc(AdvancedHandler):
    """Answers what it does not know as a PLC does."""

    def handle_request(self, request):
        try:
            return super().handle_request(request)
        except KeyError:
            (group,) = struct.unpack("<I", request.ams_header.data[:4])
            code = NO_SYMBOL if group in BY_NAME else NO_GROUP
            return AmsResponseData(b"\x05\0", b"\0" * 4, struct.pack("<I", code))


def main(port):
    handler = Plc()
    variables = [
        ("MAIN.fTemperature", "REAL", constants.ADST_REAL32, struct.pack("<f", 20.5)),
        ("MAIN.nPieces", "DINT", constants.ADST_INT32, struct.pack("<i", 100000)),
        ("MAIN.sOrder", "STRING(20)", constants.ADST_STRING, b"A-4711".ljust(21, b"\0")),
        ("MAIN.bPump", "BOOL", constants.ADST_BIT, b"\x01"),
        ("MAIN.aLevels", "ARRAY [0..3] OF INT", constants.ADST_INT16, struct.pack("<4h", 10, 20, 30, 40)),
    ]
    for name, type_name, kind, value in variables:
        handler.add_variable(PLCVariable(name, value, kind, type_name))
    count_of_changes = (0xF008, 0)
    handler.add_variable(PLCVariable("", b"\x01", constants.ADST_UINT8, "USINT", *count_of_changes))
    AdsTestServer(handler=handler, port=port, logging=False).start()
    while True:
        time.sleep(3600)


main(int(sys.argv[1]))
