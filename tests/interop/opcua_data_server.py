"""A foreign OPC UA server for the tests of data: asyncua with structures, methods and events.

usage: opcua_data_server.py PORT FOLDER        (port 0: any free one; FOLDER is not used)

It prints one line of JSON with its URL, and then obeys lines of JSON on standard input, each
answered by one line of JSON:

  ["set", NAME, VALUE]            a new value of a plain variable
  ["get", NAME]                   what a variable holds, as Python shows it
  ["events", COUNT, SEVERITY]     so many events, numbered
  ["add", NAME, VALUE]            a Double below the object Line, which was not there before
  ["exit"]                        stop; so does the end of standard input
"""

import asyncio
import datetime
import json
import logging
import socket
import sys
import uuid

from asyncua import Server, ua
from asyncua.common.structures104 import new_enum, new_struct, new_struct_field
from asyncua.common.type_dictionary_builder import DataTypeDictionaryBuilder, get_ua_class

NAMESPACE = "urn:mainstem:data"
MOMENT = datetime.datetime(2026, 11, 20, 8, 15, 30, 123456, tzinfo=datetime.timezone.utc)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def types(server, index):
    """Types by DataTypeDefinition, as servers since 1.04 describe them."""
    colour = await new_enum(server, index, "Colour", ["Red", "Green", "Blue"])
    point, _ = await new_struct(
        server,
        index,
        "Point",
        [new_struct_field("X", ua.VariantType.Double), new_struct_field("Y", ua.VariantType.Double)],
    )
    await new_struct(
        server,
        index,
        "Part",
        [
            new_struct_field("Flag", ua.VariantType.Boolean),
            new_struct_field("Small", ua.VariantType.SByte),
            new_struct_field("Large", ua.VariantType.UInt64),
            new_struct_field("Least", ua.VariantType.Int64),
            new_struct_field("Ratio", ua.VariantType.Float),
            new_struct_field("Name", ua.VariantType.String),
            new_struct_field("Made", ua.VariantType.DateTime),
            new_struct_field("Id", ua.VariantType.Guid),
            new_struct_field("Raw", ua.VariantType.ByteString),
            new_struct_field("Text", ua.VariantType.LocalizedText),
            new_struct_field("Node", ua.VariantType.NodeId),
            new_struct_field("State", ua.VariantType.StatusCode),
            new_struct_field("Colour", colour),
            new_struct_field("Where", point),
            new_struct_field("Numbers", ua.VariantType.Int32, array=True),
            new_struct_field("Points", point, array=True),
        ],
    )
    await new_struct(
        server,
        index,
        "Report",
        [
            new_struct_field("Number", ua.VariantType.UInt32),
            new_struct_field("Note", ua.VariantType.String, optional=True),
            new_struct_field("Weight", ua.VariantType.Double, optional=True),
        ],
    )
    await new_struct(
        server,
        index,
        "Either",
        [new_struct_field("Whole", ua.VariantType.Int32), new_struct_field("Word", ua.VariantType.String)],
        is_union=True,
    )
    await server.load_data_type_definitions()


async def old_types(server, index):
    """A type in a dictionary, as servers before 1.04 described them."""
    builder = DataTypeDictionaryBuilder(server, index, NAMESPACE, "Dictionary")
    await builder.init()
    inner = await builder.create_data_type("OldInner")
    inner.add_field("Level", ua.VariantType.Int16)
    inner.add_field("Label", ua.VariantType.String)
    outer = await builder.create_data_type("OldOuter")
    outer.add_field("Id", ua.VariantType.Int32)
    outer.add_field("Samples", ua.VariantType.Double, is_array=True)
    outer.add_field("Inner", inner)
    await builder.set_dict_byte_string()
    await server.load_type_definitions()
    return outer.data_type


def part():
    return ua.Part(
        Flag=True,
        Small=-128,
        Large=18446744073709551615,
        Least=-9223372036854775808,
        Ratio=0.5,
        Name="Öl",
        Made=MOMENT,
        Id=uuid.UUID("09087e75-8e5e-499b-954f-f2a9603db28a"),
        Raw=b"\x00\xff",
        Text=ua.LocalizedText("an", "de"),
        Node=ua.NodeId("Line", 2),
        State=ua.StatusCode(0x80000000),
        Colour=ua.Colour.Green,
        Where=ua.Point(X=1.5, Y=-2.5),
        Numbers=[1, -2, 3],
        Points=[ua.Point(X=0.0, Y=1.0), ua.Point(X=2.0, Y=3.0)],
    )


def variables(old):
    kinds = ua.VariantType
    inner = get_ua_class("OldInner")()
    inner.Level, inner.Label = -7, "deep"
    outer = get_ua_class("OldOuter")()
    outer.Id, outer.Samples, outer.Inner = 42, [0.5, 1.5], inner
    return {
        "Part": (part(), kinds.ExtensionObject, ua.Part.data_type),
        "Parts": ([ua.Point(X=1.0, Y=2.0), ua.Point(X=3.0, Y=4.0)], kinds.ExtensionObject, ua.Point.data_type),
        "Report": (ua.Report(Number=7, Weight=1.25), kinds.ExtensionObject, ua.Report.data_type),
        "Either": (either("Word", "x"), kinds.ExtensionObject, ua.Either.data_type),
        "Old": (outer, kinds.ExtensionObject, old),
        "Argument": (ua.Argument(Name="x", ValueRank=-1), kinds.ExtensionObject, None),
        "Colour": (ua.Colour.Blue, kinds.Int32, ua.Colour.data_type),
        "Matrix": ([[1, 2, 3], [4, 5, 6]], kinds.Int32, None),
        "Huge": ([18446744073709551615, 0], kinds.UInt64, None),
        "Times": ([MOMENT, datetime.datetime(1601, 1, 1)], kinds.DateTime, None),
        "Guids": ([uuid.UUID(int=1)], kinds.Guid, None),
        "Nodes": ([ua.NodeId(5, 2), ua.NodeId("a", 2)], kinds.NodeId, None),
        "Names": ([ua.QualifiedName("q", 2)], kinds.QualifiedName, None),
        "Floats": ([float("nan"), float("inf"), -0.5], kinds.Double, None),
        "Codes": ([ua.StatusCode(0x80340000)], kinds.StatusCode, None),
        "Any": ([ua.Variant(1, kinds.Int16), ua.Variant("x", kinds.String)], kinds.Variant, ua.NodeId(24, 0)),
        "Word": ("plain", kinds.String, None),
    }


def either(name, value):
    union = ua.Either()
    setattr(union, name, value)
    return union


async def methods(line, index):
    def argument(name, kind, rank=-1, data_type=None):
        node = data_type or ua.NodeId(int(kind.value), 0)
        return ua.Argument(Name=name, DataType=node, ValueRank=rank)

    kinds = ua.VariantType

    async def mix(parent, amount, name, where):
        if amount.Value < 0:
            return ua.StatusCode(ua.StatusCodes.BadOutOfRange)
        total = amount.Value * len(where.Value)
        return [ua.Variant(total, kinds.Double), ua.Variant(name.Value + "!", kinds.String)]

    async def big(parent, number):
        return [ua.Variant(number.Value, kinds.UInt64)]

    async def slow(parent, seconds):
        await asyncio.sleep(seconds.Value)
        return [ua.Variant(True, kinds.Boolean)]

    async def nothing(parent):
        return []

    inputs = [
        argument("amount", kinds.Double),
        argument("name", kinds.String),
        argument("where", kinds.ExtensionObject, 1, ua.Point.data_type),
    ]
    outputs = [argument("total", kinds.Double), argument("greeting", kinds.String)]
    for name, method, given, answered in [
        ("Mix", mix, inputs, outputs),
        ("Big", big, [argument("number", kinds.UInt64)], [argument("same", kinds.UInt64)]),
        ("Slow", slow, [argument("seconds", kinds.Double)], [argument("done", kinds.Boolean)]),
        ("Nothing", nothing, [], []),
    ]:
        node = ua.NodeId(name, index)
        await line.add_method(node, ua.QualifiedName(name, index), method, given, answered)


async def obey(command, nodes, line, index, generator, kinds):
    match command:
        case ["set", name, value]:
            await nodes[name].write_value(ua.Variant(value, kinds[name]))
            return "done"
        case ["get", name]:
            return str(await nodes[name].read_value())
        case ["events", count, severity]:
            for number in range(count):
                generator.event.Severity = severity
                generator.event.Batch = number
                await generator.trigger(message=f"batch {number}")
            return "done"
        case ["add", name, value]:
            await line.add_variable(ua.NodeId(name, index), ua.QualifiedName(name, index), float(value))
            return "done"
        case _:
            raise ValueError(f"no such command: {command}")


async def main(port):
    server = Server()
    await server.init()
    url = f"opc.tcp://127.0.0.1:{port or free_port()}/data/"
    server.set_endpoint(url)
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    index = await server.register_namespace(NAMESPACE)
    await types(server, index)
    old = await old_types(server, index)
    line = await server.nodes.objects.add_object(ua.NodeId("Line", index), ua.QualifiedName("Line", index))
    nodes, kinds = {}, {}
    for name, (value, kind, data_type) in variables(old).items():
        variant = ua.Variant(value, kind)
        qualified = ua.QualifiedName(name, index)
        node = await line.add_variable(ua.NodeId(name, index), qualified, variant, datatype=data_type)
        await node.set_writable()
        nodes[name], kinds[name] = node, kind
    await methods(line, index)
    event = await server.create_custom_event_type(
        index, "BatchDone", ua.ObjectIds.BaseEventType, [("Batch", ua.VariantType.UInt32)]
    )
    generator = await server.get_event_generator(event, server.nodes.server)

    async with server:
        print(json.dumps({"url": url, "event": event.nodeid.to_string()}), flush=True)
        loop = asyncio.get_running_loop()
        while text := await loop.run_in_executor(None, sys.stdin.readline):
            command = json.loads(text)
            if command == ["exit"]:
                break
            answer = await obey(command, nodes, line, index, generator, kinds)
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    asyncio.run(main(int(sys.argv[1])))
