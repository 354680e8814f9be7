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
    begun = time.monotonic()
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
    took = time.monotonic() - begun
    return {"took": took, "fast": value(told), "slow": value(slow), "follows": value(follows), "levels": value(levels)}


class Printed(Told):
    """Says every change at once."""

    def datachange_notification(self, node, value, data):
        super().datachange_notification(node, value, data)
        print(json.dumps(self.seen[-1][2]), flush=True)


async def told_line():
    """Waits until the test says a line."""
    await asyncio.to_thread(sys.stdin.readline)


async def states(opc):
    """What is told of one datapoint while somebody else changes its quality."""
    subscription = await opc.create_subscription(100, Printed())
    await subscription.subscribe_data_change(opc.get_node(node("sim.still")), queuesize=10, sampling_interval=50)
    await told_line()
    return {"ended": True}


async def comings(opc):
    """What is told of a datapoint that vanishes and comes back; and of one that came later."""
    subscription = await opc.create_subscription(100, Printed())
    later = opc.get_node(node("sim.later"))
    before = await failing(subscription.subscribe_data_change(later, queuesize=10, sampling_interval=50))
    print(json.dumps({"before": before}), flush=True)
    await subscription.subscribe_data_change(opc.get_node(node("sim.still")), queuesize=10, sampling_interval=50)
    await told_line()
    children = await opc.get_node(node("sim")).get_children()
    return {"later": shown(await later.read_data_value()), "children": [c.nodeid.Identifier for c in children]}


async def remote(opc):
    """A datapoint of a node below, over a link that is cut: browsed, written and watched."""
    root = await opc.nodes.objects.get_child([f"{NS}:Datapoints"])
    level = await root.get_child([f"{NS}:line1", f"{NS}:sim", f"{NS}:level"])
    written = await failing(level.write_value(ua.Variant(33.0, ua.VariantType.Double)))
    await until_value(level, 33.0)
    print(json.dumps({"id": level.nodeid.to_string(), "written": written}), flush=True)
    subscription = await opc.create_subscription(100, Printed())
    await subscription.subscribe_data_change(level, queuesize=10, sampling_interval=50)
    await told_line()
    return {"cut": await failing(level.write_value(ua.Variant(34.0, ua.VariantType.Double)))}


async def until(is_so, seconds):
    """Waits for a condition, with a deadline."""
    begun = time.monotonic()
    while not is_so() and time.monotonic() - begun < seconds:
        await asyncio.sleep(0.02)


async def percent(opc):
    """A deadband of percent of the limits, and of what has none."""
    level, count = opc.get_node(node("sim.level")), opc.get_node(node("sim.count"))
    told = Told()
    subscription = await opc.create_subscription(100, told)
    await level.write_value(ua.Variant(0.0, ua.VariantType.Double))
    await until_value(level, 0.0)
    await subscription.deadband_monitor(level, 10, deadbandtype=2, queuesize=50)
    await until(lambda: told.seen, 20)
    for step in range(1, 31):
        await level.write_value(ua.Variant(float(step), ua.VariantType.Double))
        await until_value(level, float(step))
        await asyncio.sleep(0.05)
    await until(lambda: len(told.seen) >= 3, 20)
    without = await failing(subscription.deadband_monitor(count, 10, deadbandtype=2, queuesize=50))
    return {"levels": [entry[2]["value"] for entry in told.seen], "without_limits": without}


async def until_value(at, wanted):
    begun = time.monotonic()
    while await at.read_value() != wanted and time.monotonic() - begun < 20:
        await asyncio.sleep(0.01)


async def parts(opc):
    """History in parts, by continuation points; one that was given back, and one of nobody."""
    still = opc.get_node(node("sim.still"))
    now = datetime.datetime.now(datetime.timezone.utc)

    async def ask(point, release=False, most=0):
        details = ua.ReadRawModifiedDetails()
        details.IsReadModified, details.ReturnBounds = False, False
        details.StartTime, details.EndTime = now - datetime.timedelta(hours=1), now
        details.NumValuesPerNode = most
        value = ua.HistoryReadValueId()
        value.NodeId, value.ContinuationPoint = still.nodeid, point
        params = ua.HistoryReadParameters()
        params.HistoryReadDetails, params.NodesToRead = details, [value]
        params.ReleaseContinuationPoints = release
        return (await opc.uaclient.history_read(params))[0]

    def rows(result):
        return [(v.SourceTimestamp.isoformat(timespec="microseconds"), v.Value.Value) for v in result.HistoryData.DataValues]

    seen, sizes, point = [], [], None
    while True:
        result = await ask(point)
        got = rows(result)
        sizes.append(len(got))
        seen += got
        point = result.ContinuationPoint
        if not point or len(sizes) > 20:
            break
    first = await ask(None)
    released = await ask(first.ContinuationPoint, release=True)
    after = await ask(first.ContinuationPoint)
    strange = await ask(b"nobody's")
    name = lambda result: ua.status_codes.get_name_and_doc(result.StatusCode.value)[0]
    return {
        "sizes": sizes,
        "rows": len(seen),
        "sorted": [time for time, _ in seen] == sorted(time for time, _ in seen),
        "in_order": [int(value) for _, value in seen[:25_000]] == list(range(25_000)),
        "released": name(released),
        "after_release": name(after),
        "strange": name(strange),
    }


async def variables(opc):
    """Variables of server nodes: provided, received, both, and held writes."""
    at = lambda name: opc.get_node(ua.NodeId(name, 1))
    i32 = lambda number: ua.Variant(number, ua.VariantType.Int32)
    told = Told()
    subscription = await opc.create_subscription(100, told)
    for name in ("out", "in", "both", "held"):
        await subscription.subscribe_data_change(at(name), queuesize=20, sampling_interval=0)
    results = {"initial": {name: await at(name).read_value() for name in ("out", "in", "both", "held")}}
    print(json.dumps({"watching": True}), flush=True)
    await told_line()
    await until_value(at("out"), 41)
    results["provided"] = shown(await at("out").read_data_value())
    results["write_provided"] = await failing(at("out").write_value(i32(1)))
    results["write_received"] = await failing(at("in").write_value(i32(7)))
    results["received"] = await at("in").read_value()
    results["write_both"] = await failing(at("both").write_value(i32(8)))
    await until_value(at("both"), 8)
    results["both"] = await at("both").read_value()
    results["wrong_type"] = await failing(at("in").write_value(ua.Variant("7", ua.VariantType.String)))
    results["held"] = await failing(at("held").write_value(i32(21)))
    results["answer"] = await at("held").read_value()
    results["held_error"] = await failing(at("held").write_value(i32(400)))
    results["held_own_status"] = await failing(at("held").write_value(i32(401)))
    results["held_silent"] = await failing(at("held").write_value(i32(0)))
    results["answer_after"] = await at("held").read_value()
    of = lambda name: [entry[2]["value"] for entry in told.seen if entry[0] == name]
    await until(lambda: all(of(name)[-1:] == [value] for name, value in
                            (("out", 41), ("in", 7), ("both", 8), ("held", 42))), 20)
    results["told"] = {name: of(name) for name in ("out", "in", "both", "held")}
    return results


async def above(opc):
    """A method that another node answers."""
    root, method = opc.get_node(ua.NodeId("mes", 1)), ua.NodeId("order", 1)
    return {
        "answer": list(await root.call_method(method, 7, "red")),
        "error": await failing(root.call_method(method, 400, "red")),
    }


async def hold(opc):
    """A call that nobody answers; the process is killed while it is held."""
    root = opc.get_node(ua.NodeId("mes", 1))
    print(json.dumps({"calling": True}), flush=True)
    return {"ended": await failing(root.call_method(ua.NodeId("slow", 1), 5))}


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
    await until(lambda: len(told.seen) >= items, 60)
    print(json.dumps({"watching": True}), flush=True)
    await told_line()
    begun = time.monotonic()
    await subscription.delete()
    return {"made": len(made), "bad": len(bad), "took": took, "seen": len(told.seen),
            "forgot": time.monotonic() - begun}


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


async def order(opc):
    """The method of docs/flows/6: an article that the service takes, and one that it refuses."""
    root, method = opc.get_node(ua.NodeId("mes", 1)), ua.NodeId("order", 1)
    taken = await root.call_method(method, "A7")
    return {"taken": list(taken), "refused": await failing(root.call_method(method, ""))}


async def order_away(opc):
    """The same while the service is away."""
    root, begun = opc.get_node(ua.NodeId("mes", 1)), time.monotonic()
    away = await failing(root.call_method(ua.NodeId("order", 1), "A7"))
    return {"away": away, "took": time.monotonic() - begun}


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
            "states": lambda: states(opc),
            "comings": lambda: comings(opc),
            "remote": lambda: remote(opc),
            "percent": lambda: percent(opc),
            "parts": lambda: parts(opc),
            "variables": lambda: variables(opc),
            "hold": lambda: hold(opc),
            "above": lambda: above(opc),
            "many": lambda: many(opc, int(number)),
            "history": lambda: history(opc),
            "call": lambda: call(opc, int(number)),
            "order": lambda: order(opc),
            "order_away": lambda: order_away(opc),
        }
        print(json.dumps(await commands[command](), default=str), flush=True)


asyncio.run(main())
