"""An S7 CPU made of python-snap7, for the tests that need somebody else's implementation.

Prints one line of JSON when it listens: its port, and an entry for every data type with the address,
the value that a client must read, and the bytes. Then it takes commands, one a line, and answers each
with one line of JSON:

    get ADDRESS COUNT          bytes of DB1, past the network
    set ADDRESS BYTE...        changes them
    value TYPE ADDRESS         what snap7's own reader makes of them
    exit                       ends; so does the end of the input
"""

import json
import logging
import socket
import sys
from datetime import date, datetime, timedelta, timezone

from snap7 import util
from snap7.server import Server
from snap7.type import SrvArea

SIZE = 1000
MOMENT = datetime(2026, 2, 28, 23, 59, 58, 123000)


def micros(moment):
    return round(moment.replace(tzinfo=timezone.utc).timestamp() * 1_000_000)


class Cpu:
    def __init__(self):
        self.db = bytearray(SIZE)
        self.entries = []
        self.place = 0
        self.fill()

    def add(self, kind, size, value, write, length=None, used=None):
        """Stores a value with snap7's writer and remembers where."""
        at = self.place
        write(self.db, at)
        self.entries.append(
            {
                "dataType": kind,
                "at": at,
                "size": used or size,
                "length": length,
                "value": value,
                "bytes": list(self.db[at : at + (used or size)]),
            }
        )
        self.place += size + size % 2

    def fill(self):
        numbers = [
            ("byte", 1, 200, util.set_byte),
            ("usint", 1, 201, util.set_usint),
            ("sint", 1, -100, util.set_sint),
            ("word", 2, 54321, util.set_word),
            ("uint", 2, 54322, lambda data, at, value: util.set_word(data, at, value)),
            ("int", 2, -12345, util.set_int),
            ("dword", 4, 3123456789, util.set_dword),
            ("udint", 4, 3123456790, util.set_udint),
            ("dint", 4, -123456789, util.set_dint),
            ("lword", 8, 12345678901234567890, util.set_ulint),
            ("ulint", 8, 12345678901234567891, util.set_ulint),
            ("lint", 8, -1234567890123456789, util.set_lint),
            ("real", 4, -1234.5625, util.set_real),
            ("lreal", 8, 3.141592653589793, util.set_lreal),
        ]
        for kind, size, value, write in numbers:
            self.add(kind, size, value, lambda data, at: write(data, at, value))
        self.add("bool", 1, True, lambda data, at: util.set_bool(data, at, 0, True))
        self.add("char", 6, "Grün", lambda data, at: util.set_fstring(data, at, "Grün", 6), 6)
        text = "Druckluft für Halle 7"
        # Behind the characters in use a string holds whatever was there: snap7 fills with spaces.
        self.add("string", 32, text, lambda data, at: util.set_string(data, at, text, 30), 30, 2 + len(text))
        wide = "温度 in °C ±"
        self.add("wstring", 64, wide, lambda data, at: util.set_wstring(data, at, wide, 30), 30, 4 + 2 * len(wide))
        self.add("raw", 4, [1, 2, 254, 255], self.raw, 4)
        day = date(2026, 2, 28)
        midnight = micros(datetime(2026, 2, 28))
        self.add("date", 2, midnight, lambda data, at: util.set_date(data, at, day))
        now = micros(MOMENT)
        self.add("date_and_time", 8, now, lambda data, at: util.set_dt(data, at, MOMENT))
        self.add("dtl", 12, now, lambda data, at: util.set_dtl(data, at, MOMENT))
        self.add("ldt", 8, now, lambda data, at: util.set_ldt(data, at, MOMENT))
        self.add("time", 4, -90061100, lambda data, at: util.set_time(data, at, "-1:1:1:1.1"))
        span = timedelta(hours=5, milliseconds=7)
        self.add("tod", 4, 18000007, lambda data, at: util.set_tod(data, at, span))
        self.add("ltime", 8, 18000007000000, lambda data, at: util.set_ltime(data, at, span))
        self.add("ltod", 8, 18000007000000, lambda data, at: util.set_ltod(data, at, span))
        # snap7 has a reader for S5TIME and no writer: 123 s on a base of a second.
        self.add("s5time", 2, 123000, lambda data, at: util.set_word(data, at, 0x2123))

    @staticmethod
    def raw(data, at):
        data[at : at + 4] = bytes([1, 2, 254, 255])

    def value(self, kind, at):
        """As snap7 reads it, in the form of the entries."""
        moments = {"date_and_time": util.get_date_time_object, "dtl": util.get_dtl, "ldt": util.get_ldt}
        if kind in moments:
            return micros(moments[kind](self.db, at))
        if kind == "date":
            return micros(datetime.combine(util.get_date(self.db, at), datetime.min.time()))
        readers = {
            "bool": lambda data, place: util.get_bool(data, place, 0),
            "char": lambda data, place: util.get_fstring(data, place, 6),
            "lword": util.get_ulint,
            "raw": lambda data, place: list(data[place : place + 4]),
            "s5time": lambda data, place: 123000 if util.get_s5time(data, place) == "0:02:03" else None,
            "time": lambda data, place: int.from_bytes(data[place : place + 4], "big", signed=True),
            "tod": lambda data, place: util.get_tod(data, place) // timedelta(milliseconds=1),
            "ltime": lambda data, place: util.get_ltime(data, place) // timedelta(microseconds=1) * 1000,
            "ltod": lambda data, place: util.get_ltod(data, place) // timedelta(microseconds=1) * 1000,
        }
        return readers.get(kind, getattr(util, f"get_{kind}", None))(self.db, at)

    def carry_out(self, words):
        if words[0] == "get":
            at, count = map(int, words[1:])
            return {"bytes": list(self.db[at : at + count])}
        if words[0] == "set":
            at, *values = map(int, words[1:])
            self.db[at : at + len(values)] = bytes(values)
            return {}
        if words[0] == "value":
            return {"value": self.value(words[1], int(words[2]))}
        raise ValueError(f"no such command: {words[0]}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main():
    logging.disable(logging.CRITICAL)
    cpu = Cpu()
    server = Server(log=False)
    server.register_area(SrvArea.DB, 1, cpu.db)
    server.register_area(SrvArea.MK, 0, bytearray(range(64)))
    server.register_area(SrvArea.PE, 0, bytearray([0xA5] * 8))
    server.register_area(SrvArea.PA, 0, bytearray(8))
    server.register_area(SrvArea.TM, 0, bytearray([0x21, 0x23, 0x00, 0x05]))
    server.register_area(SrvArea.CT, 0, bytearray([0x00, 0x42, 0x09, 0x99]))
    port = free_port()
    server.start_to("127.0.0.1", port)
    print(json.dumps({"port": port, "entries": cpu.entries}), flush=True)
    for line in sys.stdin:
        words = line.split()
        if words == ["exit"]:
            break
        try:
            answer = {"ok": True, **cpu.carry_out(words)}
        except Exception as error:  # whatever it is, the test is to read it
            answer = {"ok": False, "error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
    server.stop()


if __name__ == "__main__":
    main()
