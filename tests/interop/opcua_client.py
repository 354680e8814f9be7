"""A foreign OPC UA client (asyncua) against a node's server: what a test asks for, as JSON lines.

Usage: opcua_client.py <url> <folder for its key> <command> [user] [password]

Every command prints one line of JSON with what it saw; the test judges it."""

import asyncio
import datetime
import json
import pathlib
import sys
import time

from asyncua import Client, ua
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.crypto.security_policies import (
    SecurityPolicyAes128Sha256RsaOaep,
    SecurityPolicyAes256Sha256RsaPss,
    SecurityPolicyBasic256Sha256,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

URI = "urn:mainstem:test:client"
POLICIES = {
    "Basic256Sha256": SecurityPolicyBasic256Sha256,
    "Aes128Sha256RsaOaep": SecurityPolicyAes128Sha256RsaOaep,
    "Aes256Sha256RsaPss": SecurityPolicyAes256Sha256RsaPss,
}
NS = 2


async def client(url, folder, user, password, policy="Basic256Sha256"):
    key, cert = folder / "key.pem", folder / "cert.der"
    await setup_self_signed_certificate(
        key, cert, URI, "localhost", [ExtendedKeyUsageOID.CLIENT_AUTH], {"commonName": "test client"}
    )
    # Its own watchdog gives up after a second, which a busy machine takes for one answer.
    made = Client(url, timeout=20, watchdog_intervall=30)
    made.application_uri = URI
    if policy != "None":
        await made.set_security(POLICIES[policy], str(cert), str(key))
    if user:
        made.set_user(user)
        made.set_password(password)
    return made


def node(name):
    return ua.NodeId(name, NS)


def shown(value):
    raw = value.Value.Value if value.Value is not None else None
    time_of = value.SourceTimestamp.isoformat() if value.SourceTimestamp else None
    return {"value": raw, "status": value.StatusCode.value, "time": time_of}


async def failing(what):
    """The name of the status with which something fails, or Good."""
    try:
        await what
        return "Good"
    except ua.UaStatusCodeError as error:
        return ua.status_codes.get_name_and_doc(error.code)[0]
    except Exception as error:  # the connection was closed, say
        return type(error).__name__


async def browse(opc):
    tree = {}

    async def walk(at, into, depth):
        for child in await at.get_children():
            name = (await child.read_browse_name()).Name
            into[name] = below = {"id": child.nodeid.to_string(), "class": (await child.read_node_class()).name}
            if depth < 5:
                children = {}
                await walk(child, children, depth + 1)
                if children:
                    below["children"] = children

    root = await opc.nodes.objects.get_child([f"{NS}:Datapoints"])
    await walk(root, tree, 0)
    # The same by a path.
    by_path = await root.get_child([f"{NS}:sim", f"{NS}:level"])
    level = opc.get_node(node("sim.level"))
    units = await (await level.get_child(["0:EngineeringUnits"])).read_value()
    span = await (await level.get_child(["0:EURange"])).read_value()
    return {
        "tree": tree,
        "by_path": by_path.nodeid.to_string(),
        "unit": units.DisplayName.Text,
        "range": [span.Low, span.High],
        "description": (await level.read_description()).Text,
        "data_type": (await level.read_data_type()).Identifier,
        "namespaces": await opc.get_namespace_array(),
        "parent": (await level.get_parent()).nodeid.to_string(),
    }


async def read(opc):
    names = ["sim.level", "sim.count", "sim.flag", "sim.text", "nothing.there", "sim"]
    values = {}
    for name in names:
        try:
            values[name] = shown(await opc.get_node(node(name)).read_data_value(raise_on_bad_status=False))
        except ua.UaStatusCodeError as error:
            values[name] = {"status": error.code}
    return values


async def write(opc):
    level = opc.get_node(node("sim.level"))
    results = {
        "fine": await failing(level.write_value(ua.Variant(42.5, ua.VariantType.Double))),
        "read_back": None,
        "text_to_number": await failing(level.write_value(ua.Variant("7", ua.VariantType.String))),
        "integer_to_number": await failing(level.write_value(ua.Variant(7, ua.VariantType.Int32))),
        "beyond_limits": await failing(level.write_value(ua.Variant(1e6, ua.VariantType.Double))),
        "array": await failing(level.write_value(ua.Variant([1.0], ua.VariantType.Double))),
        "read_only": await failing(opc.get_node(node("sim.count")).write_value(ua.Variant(1, ua.VariantType.UInt32))),
        "locked": await failing(opc.get_node(node("sim.locked")).write_value(ua.Variant(1.0, ua.VariantType.Double))),
        "nowhere": await failing(opc.get_node(node("no.such")).write_value(ua.Variant(1.0, ua.VariantType.Double))),
    }
    begun = time.monotonic()
    while time.monotonic() - begun < 10:
        results["read_back"] = await level.read_value()
        if results["read_back"] == 42.5:
            break
        await asyncio.sleep(0.02)
    return results


class Told:
    def __init__(self):
        self.seen = []

    def datachange_notification(self, node, value, data):
        self.seen.append((node.nodeid.Identifier, time.monotonic(), shown(data.monitored_item.Value)))

    def event_notification(self, event):
        pass

    def status_change_notification(self, status):
        pass


async def subscribe(opc, seconds):
    """Changes of a counter at three sampling intervals, and of a value written by ourselves."""
    told, slow, follows = Told(), Told(), Told()
    fast_sub = await opc.create_subscription(100, told)
    slow_sub = await opc.create_subscription(100, slow)
    follow_sub = await opc.create_subscription(200, follows)
    count, level = opc.get_node(node("sim.count")), opc.get_node(node("sim.level"))
    await fast_sub.subscribe_data_change(count, queuesize=50, sampling_interval=20)
    await slow_sub.subscribe_data_change(count, queuesize=50, sampling_interval=500)
    await follow_sub.subscribe_data_change(count, queuesize=10, sampling_interval=-1)
    levels = Told()
    level_sub = await opc.create_subscription(100, levels)
    await level_sub.deadband_monitor(level, 5, deadbandtype=1, queuesize=50)
    for step in range(20):
        await level.write_value(ua.Variant(float(step), ua.VariantType.Double))
        await asyncio.sleep(0.1)
    await asyncio.sleep(max(seconds - 2.0, 0))
    value = lambda told: [entry[2] for entry in told.seen]
    return {"fast": value(told), "slow": value(slow), "follows": value(follows), "levels": value(levels)}


async def states(opc, seconds):
    """What is told of one datapoint while somebody else changes its quality."""
    told = Told()
    subscription = await opc.create_subscription(100, told)
    await subscription.subscribe_data_change(opc.get_node(node("sim.still")), queuesize=10, sampling_interval=50)
    print(json.dumps({"watching": True}), flush=True)
    await asyncio.sleep(seconds)
    return {"seen": [entry[2] for entry in told.seen]}


async def many(opc, items):
    """So many monitored items in one subscription."""
    told = Told()
    subscription = await opc.create_subscription(200, told)
    nodes = [opc.get_node(node(f"many.p{number % 1000}")) for number in range(items)]
    begun = time.monotonic()
    made = []
    for start in range(0, items, 1000):
        made += await subscription.subscribe_data_change(nodes[start : start + 1000], sampling_interval=100)
    bad = [str(handle) for handle in made if isinstance(handle, ua.StatusCode)]
    took = time.monotonic() - begun
    while len(told.seen) < items and time.monotonic() - begun < 60:
        await asyncio.sleep(0.1)
    return {"made": len(made), "bad": len(bad), "took": took, "seen": len(told.seen)}


async def history(opc):
    count = opc.get_node(node("sim.count"))
    now = datetime.datetime.now(datetime.timezone.utc)
    hour = now.replace(minute=0, second=0, microsecond=0)
    rows = await count.read_raw_history(now - datetime.timedelta(hours=1), now)
    ten = await count.read_raw_history(now - datetime.timedelta(hours=1), now, numvalues=10)
    back = await count.read_raw_history(now, now - datetime.timedelta(hours=1), numvalues=5)

    async def processed(kind, minutes):
        details = ua.ReadProcessedDetails()
        details.StartTime = (now - datetime.timedelta(minutes=minutes)).replace(second=0, microsecond=0)
        details.EndTime = details.StartTime + datetime.timedelta(minutes=minutes + 1)
        details.ProcessingInterval = 60_000.0
        details.AggregateType = [ua.NodeId(kind, 0)]
        result = await count.history_read(details)
        result.StatusCode.check()
        return [shown(value) for value in result.HistoryData.DataValues]

    kinds = {"average": 2342, "minimum": 2346, "maximum": 2347, "count": 2352}
    aggregates = {name: await processed(kind, 2) for name, kind in kinds.items()}
    unknown = await failing(processed(2341, 2))
    plain = opc.get_node(node("sim.flag")).read_raw_history(hour, now)
    return {
        "rows": len(rows),
        "values": [shown(row) for row in rows[:5]],
        "ten": len(ten),
        "back": [shown(row) for row in back],
        "aggregates": aggregates,
        "unknown_aggregate": unknown,
        "not_recorded": await failing(plain),
        "historizing": await failing(count.read_attribute(ua.AttributeIds.Historizing)),
    }


async def call(opc, held):
    """Methods of server nodes: arguments and results, errors, and many at a time."""
    root = opc.get_node(ua.NodeId("mes", 1))
    method = ua.NodeId("order", 1)
    results = {
        "by_name": await root.call_method(method, 7, "red"),
        "error": await failing(root.call_method(method, 400, "red")),
        "own_status": await failing(root.call_method(method, 401, "red")),
        "silent": await failing(root.call_method(method, 0, "red")),
        "too_few": await failing(root.call_method(method, 7)),
        "wrong_type": await failing(root.call_method(method, "seven", "red")),
    }
    results["by_name"] = list(results["by_name"])
    # The client itself sends 100 requests at a time and keeps the others back, reads as well.
    opc.uaclient.set_max_concurrent_requests(held + 100)
    stop, worst = asyncio.Event(), [0.0, 0]

    async def reads():
        level = opc.get_node(node("sim.level"))
        while not stop.is_set():
            begun = time.monotonic()
            await level.read_value()
            worst[0] = max(worst[0], time.monotonic() - begun)
            worst[1] += 1
            await asyncio.sleep(0.005)

    reading = asyncio.create_task(reads())
    begun = time.monotonic()
    calls = [root.call_method(ua.NodeId("slow", 1), number) for number in range(held)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    results["held_for"] = time.monotonic() - begun
    stop.set()
    await reading
    results["held_right"] = sum(1 for number, answer in enumerate(answers) if answer == number)
    results["first_wrong"] = next((repr(a) for n, a in enumerate(answers) if a != n), None)
    results["worst_read_ms"], results["reads"] = worst[0] * 1000, worst[1]
    return results


async def main():
    url, folder, command = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
    more = sys.argv[4:] + [""] * 4
    user, password, number, policy = more[0], more[1], float(more[2] or 0), more[3] or "Basic256Sha256"
    if command == "endpoints":
        found = await Client(url).connect_and_get_server_endpoints()
        ends = [[e.SecurityPolicyUri.split("#")[1], e.SecurityMode.name, e.EndpointUrl] for e in found]
        tokens = sorted({t.TokenType.name for e in found for t in e.UserIdentityTokens})
        print(json.dumps({"endpoints": ends, "tokens": tokens}))
        return
    opc = await client(url, folder, user, password, policy)
    if command == "connect":
        begun = time.monotonic()
        how = await failing(opc.connect())
        print(json.dumps({"connect": how, "took": time.monotonic() - begun}))
        if how == "Good":
            await opc.disconnect()
        return
    async with opc:
        commands = {
            "browse": lambda: browse(opc),
            "read": lambda: read(opc),
            "write": lambda: write(opc),
            "subscribe": lambda: subscribe(opc, number),
            "states": lambda: states(opc, number),
            "many": lambda: many(opc, int(number)),
            "history": lambda: history(opc),
            "call": lambda: call(opc, int(number)),
        }
        print(json.dumps(await commands[command](), default=str), flush=True)


asyncio.run(main())
