"""A BACnet/IP device made of bacpypes3, for the tests that need somebody else's implementation.

    bacnet_device.py [--no-segments] [--apdu BYTES] [--router] [--bbmd]

With --router the device is number 0x0a on network 2001, behind a router at the port that is told.
With --bbmd it is a BBMD besides. Prints one line of JSON when it listens: its port, and an entry for
every data type with the value that a client must read. Then it takes commands, one a line, and
answers each with one line of JSON:

    set OBJECT PROPERTY VALUE      a Python literal, past the network
    get OBJECT PROPERTY            what the device holds
    priorities OBJECT              the slots of its priority array, null where free
    writes                         how many writes it has carried out
    subscriptions                  how many live subscriptions it has
    exit                           ends; so does the end of the input
"""

import argparse
import ast
import asyncio
import json
import socket
import sys

from bacpypes3.app import Application
from bacpypes3.appservice import ApplicationServiceAccessPoint
from bacpypes3.basetypes import DateTime
from bacpypes3.comm import bind
from bacpypes3.ipv4.app import NormalApplication
from bacpypes3.ipv4.link import BBMDLinkLayer, NormalLinkLayer
from bacpypes3.local.analog import AnalogInputObject, AnalogOutputObject, AnalogValueObject
from bacpypes3.local.binary import BinaryInputObject, BinaryOutputObject
from bacpypes3.local.device import DeviceObject
from bacpypes3.local.multistate import MultiStateInputObject, MultiStateValueObject
from bacpypes3.netservice import NetworkServiceAccessPoint, NetworkServiceElement
from bacpypes3.object import (
    BitStringValueObject,
    CharacterStringValueObject,
    DateTimeValueObject,
    DateValueObject,
    IntegerValueObject,
    LargeAnalogValueObject,
    OctetStringValueObject,
    PositiveIntegerValueObject,
    TimeValueObject,
)
from bacpypes3.pdu import IPv4Address, LocalStation
from bacpypes3.vlan import VirtualNetwork
from bacpypes3.vlan.link import VirtualLinkLayer

DEVICE = 2101
TEXT = "Zuluft Büro 3.OG — 風"


def objects():
    """The objects, and what a client must read of their present-values."""
    usual = {"statusFlags": [0, 0, 0, 0], "eventState": "normal", "outOfService": False}
    number = {**usual, "units": "degreesCelsius", "covIncrement": 0.5}
    plain = {"statusFlags": [0, 0, 0, 0]}
    relinquish = {"relinquishDefault": 18.0}
    moment = DateTime(date=(126, 2, 28, 6), time=(23, 59, 58, 25))
    return [
        (AnalogInputObject, "analog-input,1", -21.75, number, -21.75),
        (AnalogValueObject, "analog-value,1", 20.5, number, 20.5),
        (AnalogOutputObject, "analog-output,1", 18.0, {**number, **relinquish}, 18.0),
        (BinaryInputObject, "binary-input,1", "active", {**usual, "polarity": "normal"}, True),
        (
            BinaryOutputObject,
            "binary-output,1",
            "inactive",
            {**usual, "polarity": "normal", "relinquishDefault": "inactive"},
            False,
        ),
        (MultiStateInputObject, "multi-state-input,1", 3, {**usual, "numberOfStates": 5}, 3),
        (MultiStateValueObject, "multi-state-value,1", 2, {**usual, "numberOfStates": 5}, 2),
        (IntegerValueObject, "integer-value,1", -1234567, {**plain, "units": "noUnits"}, -1234567),
        (
            PositiveIntegerValueObject,
            "positive-integer-value,1",
            4_000_000_000,
            {**plain, "units": "noUnits"},
            4_000_000_000,
        ),
        (
            LargeAnalogValueObject,
            "large-analog-value,1",
            3.141592653589793,
            {**plain, "units": "noUnits"},
            3.141592653589793,
        ),
        (CharacterStringValueObject, "characterstring-value,1", TEXT, plain, TEXT),
        (OctetStringValueObject, "octetstring-value,1", b"\x00\x7f\xff", plain, "007fff"),
        (
            BitStringValueObject,
            "bitstring-value,1",
            [1, 0, 1, 1, 0, 0, 0, 0, 1],
            plain,
            [True, False, True, True, False, False, False, False, True],
        ),
        (DateValueObject, "date-value,1", (126, 2, 28, 6), plain, "2026-02-28"),
        (TimeValueObject, "time-value,1", (23, 59, 58, 25), plain, "23:59:58.25"),
        (DateTimeValueObject, "datetime-value,1", moment, plain, 1772323198250000),
    ]


class Counting(NormalApplication):
    """Counts what it has written."""

    writes = 0

    async def do_WritePropertyRequest(self, apdu):
        await super().do_WritePropertyRequest(apdu)
        self.writes += 1


class OverLink(Counting):
    """The same over any link layer."""

    def __init__(self, device, link, address):
        Application.__init__(self)
        self.asap = ApplicationServiceAccessPoint(device, self.device_info_cache)
        self.nsap = NetworkServiceAccessPoint()
        self.nse = NetworkServiceElement()
        bind(self.nse, self.nsap)
        bind(self, self.asap, self.nsap)
        self.normal = link
        self.nsap.bind(link, address=address)
        self.add_object(device)


def device(number, name, options):
    return DeviceObject(
        objectIdentifier=("device", number),
        objectName=name,
        vendorIdentifier=999,
        vendorName="mainstem tests",
        maxApduLengthAccepted=options.apdu,
        segmentationSupported="no-segmentation" if options.no_segments else "segmented-both",
        maxSegmentsAccepted=64,
    )


def router(address, network):
    """A router between the port and a network in this process."""
    nsap = NetworkServiceAccessPoint()
    nse = NetworkServiceElement()
    bind(nse, nsap)
    nsap.bind(NormalLinkLayer(address), 100, address)
    nsap.bind(VirtualLinkLayer(LocalStation(b"\x01"), network), 2001)
    return nsap


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def start(options):
    port = options.port or free_port()
    address = IPv4Address(f"127.0.0.1:{port}")
    own = device(DEVICE, "air handler", options)
    if options.router:
        VirtualNetwork("basement")
        kept = router(address, "basement")
        station = LocalStation(b"\x0a")
        app = OverLink(own, VirtualLinkLayer(station, "basement"), station)
        app.kept = kept
    elif options.bbmd:
        app = OverLink(own, BBMDLinkLayer(address), address)
    else:
        app = Counting(own, address)
    entries = []
    for kind, name, value, more, read in objects():
        made = kind(
            objectIdentifier=tuple(name.split(",")),
            objectName=name.replace(",", " "),
            presentValue=value,
            description=f"the {name}",
            **more,
        )
        app.add_object(made)
        entries.append({"object": name, "value": read})
    return app, {"port": port, "device": DEVICE, "entries": entries}


def attribute(name):
    """present-value is presentValue."""
    first, *rest = name.split("-")
    return first + "".join(word.capitalize() for word in rest)


def shown(value):
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return str(value)


async def carry_out(app, line):
    verb, *rest = line.split(" ", 3)
    if verb == "writes":
        return {"ok": True, "writes": app.writes}
    if verb == "subscriptions":
        count = sum(len(each.cov_subscriptions) for each in app._cov_detections.values())
        return {"ok": True, "subscriptions": count}
    kind, number = rest[0].split(",")
    made = app.objectIdentifier[next(o for o in app.objectIdentifier if str(o) == f"{kind},{number}")]
    if verb == "set":
        setattr(made, attribute(rest[1]), ast.literal_eval(rest[2]))
        return {"ok": True}
    if verb == "get":
        return {"ok": True, "value": shown(getattr(made, attribute(rest[1])))}
    if verb == "priorities":
        slots = made.priorityArray
        slot = [getattr(each, each._choice) for each in slots]
        return {"ok": True, "slots": [None if s == () else shown(s) for s in slot]}
    return {"ok": False}


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--apdu", type=int, default=1476)
    parser.add_argument("--no-segments", action="store_true")
    parser.add_argument("--router", action="store_true")
    parser.add_argument("--bbmd", action="store_true")
    app, told = await start(parser.parse_args())
    await asyncio.sleep(0.1)
    print(json.dumps(told), flush=True)
    loop = asyncio.get_running_loop()
    while True:
        line = (await loop.run_in_executor(None, sys.stdin.readline)).strip()
        if not line or line == "exit":
            return
        try:
            answer = await carry_out(app, line)
        except Exception as error:
            answer = {"ok": False, "error": repr(error)}
        print(json.dumps(answer), flush=True)


asyncio.run(main())
