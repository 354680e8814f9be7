"""A machine with a Modbus TCP interface, made of pymodbus: python3 modbus.py PORT

Unit 1: a temperature (holding registers 0 and 1, float), pieces (2 and 3, uint32), a setpoint
(4, int16, tenths of a degree), a pump (coil 0).
"""

import asyncio
import sys

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice


async def main(port):
    registers = [0x41A4, 0x0000, 0x0001, 0x86A0, 205]  # 20.5, 100000, 20.5 in tenths
    machine = SimDevice(
        id=1,
        simdata=(
            [SimData(0, values=[True] + [False] * 15, datatype=DataType.BITS)],
            [SimData(0, values=[False] * 16, datatype=DataType.BITS)],
            [SimData(0, values=registers, datatype=DataType.REGISTERS)],
            [SimData(0, values=[0] * 8, datatype=DataType.REGISTERS)],
        ),
    )
    await ModbusTcpServer([machine], address=("127.0.0.1", port)).serve_forever()


asyncio.run(main(int(sys.argv[1])))
