"""A foreign OPC UA server for the tests: asyncua with a variable of each type.

usage: opcua_server.py PORT FOLDER        (port 0: any free one; FOLDER keeps its certificate)

It prints one line of JSON with its URL and the node ids by name, and then obeys lines of JSON on
standard input, each answered by one line of JSON:

  ["set", NAME, VALUE]            a new value
  ["status", NAME, CODE]          no value, this status code
  ["get", NAME]                   the value
  ["writes"]                      how many writes clients have made
  ["exit"]                        stop; so does the end of standard input

Without security it takes anybody; with Basic256Sha256 the user "operator", password "right".
"""

import asyncio
import json
import logging
import socket
import sys
from pathlib import Path

from asyncua import Server, ua
from asyncua.common.callback import CallbackType
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.crypto.permission_rules import User, UserRole
from cryptography.x509.oid import ExtendedKeyUsageOID

NAMESPACE = "urn:mainstem:interop"

VARIABLES = {
    "Boolean": (True, ua.VariantType.Boolean),
    "SByte": (-128, ua.VariantType.SByte),
    "Byte": (255, ua.VariantType.Byte),
    "Int16": (-32768, ua.VariantType.Int16),
    "UInt16": (65535, ua.VariantType.UInt16),
    "Int32": (-2147483648, ua.VariantType.Int32),
    "UInt32": (4294967295, ua.VariantType.UInt32),
    "Int64": (-9223372036854775808, ua.VariantType.Int64),
    "UInt64": (18446744073709551615, ua.VariantType.UInt64),
    "Float": (0.5, ua.VariantType.Float),
    "Double": (21.5, ua.VariantType.Double),
    "String": ("Öl", ua.VariantType.String),
    "ByteString": (b"\x00\xff", ua.VariantType.ByteString),
    "LocalizedText": (ua.LocalizedText("on"), ua.VariantType.LocalizedText),
    "Floats": ([1.0, 2.0], ua.VariantType.Float),
    "Structure": (ua.Argument(Name="x"), ua.VariantType.ExtensionObject),
}


class Users:
    """One user; anonymous sessions without security only, which the endpoints see to."""

    def get_user(self, iserver, username=None, password=None, certificate=None):
        if username is None or (username == "operator" and password == "right"):
            return User(role=UserRole.User, name=username)
        return None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def secure(server, folder):
    key, certificate = folder / "key.pem", folder / "cert.der"
    uri = "urn:mainstem:interop:server"
    await server.set_application_uri(uri)
    await setup_self_signed_certificate(
        key, certificate, uri, "localhost", [ExtendedKeyUsageOID.SERVER_AUTH], {"commonName": "interop"}
    )
    await server.load_certificate(str(certificate))
    await server.load_private_key(str(key))
    server.set_security_policy(
        [
            ua.SecurityPolicyType.NoSecurity,
            ua.SecurityPolicyType.Basic256Sha256_Sign,
            ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt,
        ]
    )


def shown(value):
    if isinstance(value, bytes):
        return value.hex()
    return value.Text if isinstance(value, ua.LocalizedText) else value


async def obey(command, nodes, counters):
    match command:
        case ["set", name, value]:
            _, kind = VARIABLES[name]
            await nodes[name].write_value(ua.Variant(value, kind))
            return "done"
        case ["status", name, code]:
            await nodes[name].write_value(ua.DataValue(StatusCode=ua.StatusCode(code)))
            return "done"
        case ["get", name]:
            return shown(await nodes[name].read_value())
        case ["writes"]:
            return counters["writes"]
        case _:
            raise ValueError(f"no such command: {command}")


async def main(port, folder):
    server = Server(user_manager=Users())
    await server.init()
    url = f"opc.tcp://127.0.0.1:{port or free_port()}/interop/"
    server.set_endpoint(url)
    await secure(server, folder)
    index = await server.register_namespace(NAMESPACE)
    nodes = {}
    for name, (value, kind) in VARIABLES.items():
        node = ua.NodeId(name, index)
        nodes[name] = await server.nodes.objects.add_variable(node, name, value, kind)
        await nodes[name].set_writable()
    counters = {"writes": 0}

    def count(event, _):
        # The server's own calls do not count, only what came over the wire.
        if event.is_external:
            counters["writes"] += len(event.request_params.NodesToWrite)

    server.subscribe_server_callback(CallbackType.PreWrite, count)

    async with server:
        ids = {name: node.nodeid.to_string() for name, node in nodes.items()}
        print(json.dumps({"url": url, "nodes": ids}), flush=True)
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            command = json.loads(line)
            if command == ["exit"]:
                break
            print(json.dumps(await obey(command, nodes, counters)), flush=True)


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
