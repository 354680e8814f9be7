"""A Siemens S7 CPU, made of python-snap7: python3 s7.py PORT

Data block 10: a temperature (DBD0, REAL), pieces (DBD4, DINT), an order (DBB8, STRING[12]), a pump
(DBX22.0).
"""

import ctypes
import sys
import time

import snap7
from snap7.type import SrvArea
from snap7.util import set_bool, set_dint, set_real, set_string


def main(port):
    block = bytearray(32)
    set_real(block, 0, 20.5)
    set_dint(block, 4, 100000)
    set_string(block, 8, "A-4711", 12)
    set_bool(block, 22, 0, True)
    server = snap7.server.Server(log=False)
    server.register_area(SrvArea.DB, 10, (ctypes.c_uint8 * len(block)).from_buffer(block))
    server.start(tcp_port=port)
    while True:
        time.sleep(3600)


main(int(sys.argv[1]))
