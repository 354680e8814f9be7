"""A BACnet/IP device of a building, made of bacpypes3: python3 bacnet.py PORT

Device 2101, an air handler: a supply temperature (analog-input 1), its setpoint (analog-output 1,
commandable), a fan (binary-input 1) and a mode (multi-state-value 1).
"""

import asyncio
import sys

from bacpypes3.ipv4.app import NormalApplication
from bacpypes3.local.analog import AnalogInputObject, AnalogOutputObject
from bacpypes3.local.binary import BinaryInputObject
from bacpypes3.local.device import DeviceObject
from bacpypes3.local.multistate import MultiStateValueObject
from bacpypes3.pdu import IPv4Address

USUAL = {"statusFlags": [0, 0, 0, 0], "eventState": "normal", "outOfService": False}
NUMBER = {**USUAL, "units": "degreesCelsius", "covIncrement": 0.1}


async def main(port):
    device = DeviceObject(
        objectIdentifier=("device", 2101),
        objectName="air handler",
        vendorIdentifier=999,
        maxApduLengthAccepted=1476,
        segmentationSupported="segmented-both",
        maxSegmentsAccepted=64,
    )
    app = NormalApplication(device, IPv4Address(f"127.0.0.1:{port}"))
    rows = [
        (AnalogInputObject, "analog-input", "supply temperature", 21.5, NUMBER),
        (AnalogOutputObject, "analog-output", "setpoint", 20.0, {**NUMBER, "relinquishDefault": 20.0}),
        (BinaryInputObject, "binary-input", "fan", "active", {**USUAL, "polarity": "normal"}),
        (MultiStateValueObject, "multi-state-value", "mode", 2, {**USUAL, "numberOfStates": 3}),
    ]
    for kind, name, text, value, more in rows:
        app.add_object(
            kind(objectIdentifier=(name, 1), objectName=text, presentValue=value, **more)
        )
    await asyncio.Event().wait()


asyncio.run(main(int(sys.argv[1])))
