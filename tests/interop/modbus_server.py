"""A Modbus TCP device made of pymodbus, for the tests that need somebody else's implementation.

Serves as its arguments say: nothing for Modbus TCP; `rtu-over-tcp`; `tls CERTIFICATE KEY AUTHORITY`,
which asks for a certificate that the authority vouches for; `serial PORT`.

Prints one line of JSON when it listens: its port, and registers of every data type in every order
with the value that a client must read. Then it takes commands, one a line, and answers each with
one line of JSON:

    set UNIT FC ADDRESS VALUE...   changes registers (fc 3, 4) or bits (fc 1, 2)
    get UNIT FC ADDRESS COUNT      reads them, past the network
    freeze                         takes requests and answers none
    resume                         answers again, also what has been waiting
    requests                       how many requests have arrived
    exit                           ends; so does the end of the input

Units 1 and 2 exist; for unit 9 the server answers as a gateway does for a unit that is dead.
Unit 1 has holding registers from 0 to 399 but none from 200 to 209, and coils from 0 to 63.
"""

import asyncio
import json
import ssl
import struct
import sys

from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerType
from pymodbus.server import ModbusSerialServer, ModbusTcpServer, ModbusTlsServer
from pymodbus.simulator import DataType, SimData, SimDevice

HOLE = range(200, 210)
REGISTERS = 400
# The struct code of each number, and a value that shows every byte's place.
NUMBERS = {
    "int16": ("h", -12345),
    "uint16": ("H", 54321),
    "int32": ("i", -123456789),
    "uint32": ("I", 3123456789),
    "int64": ("q", -1234567890123456789),
    "uint64": ("Q", 12345678901234567890),
    "float": ("f", -1234.5625),
    "double": ("d", 3.141592653589793),
}


def ordered(data, order):
    """The bytes of a big-endian number as they stand in registers of this order."""
    words = [data[i : i + 2] for i in range(0, len(data), 2)]
    if order in ("LE", "BEWS"):
        words.reverse()
    if order in ("LE", "LEWS"):
        words = [word[::-1] for word in words]
    return b"".join(words)


def to_registers(data):
    return list(struct.unpack(f">{len(data) // 2}H", data))


def typed_registers():
    """Every data type in every order: what to configure, what to expect, and the registers."""
    entries = []
    address = 0

    def add(data_type, value, data):
        nonlocal address
        registers = to_registers(data)
        entries.append(
            {
                "dataType": data_type,
                "address": address,
                "length": len(registers),
                "value": value,
                "registers": registers,
            }
        )
        address += len(registers)

    for name, (code, value) in NUMBERS.items():
        data = struct.pack(">" + code, value)
        for order in ("BE", "LE") if len(data) == 2 else ("BE", "LE", "BEWS", "LEWS"):
            add(name + order, value, ordered(data, order))
    add("boolean", True, b"\x00\x01")
    add("string", "Druckluft 7", b"Druckluft 7" + bytes(5))
    add("raw", [1, 2, 254, 255], b"\x01\x02\xfe\xff")
    return entries


def serving(units, way="tcp", *arguments):
    """The server of one of the ways that the file's head tells."""
    address = ("127.0.0.1", 0)
    if way == "rtu-over-tcp":
        return ModbusTcpServer(units, framer=FramerType.RTU, address=address)
    if way == "serial":
        line = {"baudrate": 19200, "parity": "N", "stopbits": 1, "bytesize": 8}
        return ModbusSerialServer(units, framer=FramerType.RTU, port=arguments[0], **line)
    if way == "tls":
        certificate, key, authority = arguments
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        context.load_verify_locations(authority)
        context.verify_mode = ssl.CERT_REQUIRED
        # As the specification has it: the frames of Modbus TCP, inside TLS.
        return ModbusTlsServer(units, framer=FramerType.SOCKET, sslctx=context, address=address)
    return ModbusTcpServer(units, address=address)


class Device:
    """The server with its switch."""

    def __init__(self):
        self.answering = asyncio.Event()
        self.answering.set()
        self.requests = 0
        self.from_inside = False
        self.entries = typed_registers()
        self.server = None

    async def on_request(self, _fc, _start, _address, _count, _registers, _values):
        if self.from_inside:
            return None
        self.requests += 1
        await self.answering.wait()
        return None

    async def on_request_to_nobody(self, _fc, _start, _address, _count, _registers, _values):
        return ExcCodes.GATEWAY_NO_RESPONSE

    def unit(self, number, action):
        values = [register for entry in self.entries for register in entry["registers"]]
        values += [0] * (HOLE.start - len(values))
        words = DataType.REGISTERS
        holding = [
            SimData(0, values=values, datatype=words),
            SimData(HOLE.stop, values=[0] * (REGISTERS - HOLE.stop), datatype=words),
        ]
        bits = [index % 3 == 0 for index in range(64)]
        return SimDevice(
            id=number,
            simdata=(
                [SimData(0, values=bits, datatype=DataType.BITS)],
                [SimData(0, values=bits, datatype=DataType.BITS)],
                holding,
                [SimData(0, values=list(range(100)), datatype=words)],
            ),
            action=action,
        )

    async def start(self):
        units = [
            self.unit(1, self.on_request),
            self.unit(2, self.on_request),
            self.unit(9, self.on_request_to_nobody),
        ]
        self.server = serving(units, *sys.argv[1:])
        await self.server.serve_forever(background=True)
        sockets = getattr(self.server.transport, "sockets", None)
        port = sockets[0].getsockname()[1] if sockets else 0
        print(json.dumps({"port": port, "registers": self.entries}), flush=True)

    async def carry_out(self, words):
        if words == ["freeze"]:
            self.answering.clear()
        elif words == ["resume"]:
            self.answering.set()
        elif words == ["requests"]:
            return {"requests": self.requests}
        elif words[0] == "set":
            unit, fc, address, *values = map(int, words[1:])
            values = [bool(value) for value in values] if fc in (1, 2) else values
            # The data store knows the table of a write by its function code only.
            code = {1: 15, 2: 2, 3: 16, 4: 4}[fc]
            await self.inside(self.server.async_setValues(unit, code, address, values))
        elif words[0] == "get":
            unit, fc, address, count = map(int, words[1:])
            values = await self.inside(self.server.async_getValues(unit, fc, address, count))
            return {"values": values}
        else:
            raise ValueError(f"no such command: {words[0]}")
        return {}

    async def inside(self, access):
        self.from_inside = True
        try:
            return await access
        finally:
            self.from_inside = False


async def main():
    device = Device()
    await device.start()
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        words = line.decode().split()
        if not words:
            continue
        if words == ["exit"]:
            break
        try:
            answer = {"ok": True, **await device.carry_out(words)}
        except Exception as error:  # whatever it is, the test is to read it
            answer = {"ok": False, "error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
    await device.server.shutdown()


if __name__ == "__main__":
    asyncio.run(main())
