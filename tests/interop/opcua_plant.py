"""A foreign OPC UA server for the tests of sessions: policies, users, namespaces, redundancy.

usage: opcua_plant.py PORT FOLDER OPTIONS      (port 0: any free one; FOLDER keeps its certificate)

OPTIONS is JSON: "policies" (names of asyncua's SecurityPolicyType), "tokens" (Anonymous, UserName,
X509), "namespaces" (URIs in their order), "advertise" (the host name in its endpoints), "level"
(its ServiceLevel). The user is "operator" with the password "right", or whoever has the certificate
FOLDER/user.der.

It prints one line of JSON with its URL, and then obeys lines of JSON on standard input, each
answered by one line of JSON:

  ["set", VALUE, AGE]             a new value of Speed, AGE seconds old by its source time stamp
  ["level", LEVEL]                its ServiceLevel
  ["policies"]                    the policies of the channels that are open
  ["sessions"]                    the sessions that it knows
  ["exit"]                        stop; so does the end of standard input
"""

import asyncio
import json
import logging
import socket
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

from asyncua import Server, ua
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.crypto.permission_rules import User, UserRole
from cryptography.x509.oid import ExtendedKeyUsageOID

TOKENS = {
    "Anonymous": ua.AnonymousIdentityToken,
    "UserName": ua.UserNameIdentityToken,
    "X509": ua.X509IdentityToken,
}


class Users:
    def __init__(self, folder, tokens):
        self.file = folder / "user.der"
        self.by_certificate = tokens == ["X509"]

    def get_user(self, iserver, username=None, password=None, certificate=None):
        if self.by_certificate:
            known = certificate is not None and certificate == self.file.read_bytes()
            return User(role=UserRole.User, name="certificate") if known else None
        if username is None or (username == "operator" and password == "right"):
            return User(role=UserRole.User, name=username)
        return None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def secure(server, folder, options):
    key, certificate = folder / "key.pem", folder / "cert.der"
    uri = "urn:mainstem:plant:server"
    await server.set_application_uri(uri)
    await setup_self_signed_certificate(
        key, certificate, uri, "localhost", [ExtendedKeyUsageOID.SERVER_AUTH], {"commonName": "plant"}
    )
    await server.load_certificate(str(certificate))
    await server.load_private_key(str(key))
    policies = options.get("policies", ["NoSecurity"])
    server.set_security_policy([ua.SecurityPolicyType[name] for name in policies])
    server.set_identity_tokens([TOKENS[name] for name in options.get("tokens", ["Anonymous", "UserName"])])


async def obey(command, server, speeds, level):
    match command:
        case ["set", value, age]:
            stamp = datetime.now(timezone.utc).replace(tzinfo=None) - timedelta(seconds=age)
            for speed in speeds:
                await speed.write_value(ua.DataValue(ua.Variant(float(value)), SourceTimestamp=stamp))
            return "done"
        case ["level", value]:
            await level.write_value(ua.Variant(value, ua.VariantType.Byte))
            return "done"
        case ["policies"]:
            channels = [client.processor._connection for client in server.bserver.clients]
            return [channel.security_policy.URI.split("#")[-1] for channel in channels]
        case ["sessions"]:
            return [str(token) for token in server.iserver._external_sessions]
        case _:
            raise ValueError(f"no such command: {command}")


async def main(port, folder, options):
    tokens = options.get("tokens", ["Anonymous", "UserName"])
    server = Server(user_manager=Users(folder, tokens))
    await server.init()
    port = port or free_port()
    host = options.get("advertise", "127.0.0.1")
    server.set_endpoint(f"opc.tcp://{host}:{port}/plant/")
    server.socket_address = ("127.0.0.1", port)
    await secure(server, folder, options)
    speeds = []
    for uri in options.get("namespaces", ["urn:mainstem:plant"]):
        index = await server.register_namespace(uri)
        node = await server.nodes.objects.add_variable(ua.NodeId("Speed", index), f"Speed{index}", 1.0)
        await node.set_writable()
        speeds.append(node)
    level = server.get_node(ua.ObjectIds.Server_ServiceLevel)
    await level.write_value(ua.Variant(options.get("level", 255), ua.VariantType.Byte))

    async with server:
        print(json.dumps({"url": f"opc.tcp://127.0.0.1:{port}/plant/"}), flush=True)
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            command = json.loads(line)
            if command == ["exit"]:
                break
            print(json.dumps(await obey(command, server, speeds, level)), flush=True)


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])))
