"""The machine of modbus.py on a serial line: python3 modbus_serial.py PORT

Unit 7, 19200 baud: a temperature (holding registers 0 and 1, float), pieces (2 and 3, uint32).
"""

import asyncio
import os
import sys

from pymodbus.framer import FramerType
from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice


async def main(port):
    while not os.path.exists(port):  # socat makes it
        await asyncio.sleep(0.1)
    registers = [0x41A4, 0x0000, 0x0001, 0x86A0]  # 20.5, 100000
    machine = SimDevice(7, simdata=[SimData(0, values=registers, datatype=DataType.REGISTERS)])
    line = {"port": port, "baudrate": 19200, "parity": "N"}
    server = ModbusSerialServer([machine], framer=FramerType.RTU, **line)
    await server.serve_forever()


asyncio.run(main(sys.argv[1]))
