"""The cases of the Eclipse Paho interoperability suite, written anew with paho-mqtt: ten for MQTT
3.1.1 and 27 for MQTT 5. Prints one line of JSON per case: its name, and why it failed if it did.

    mqtt_suite.py HOST PORT PASSWORD FEW

PASSWORD may do everything, FEW may subscribe below `few/` only.
"""

import json
import queue
import socket
import struct
import sys
import time
import uuid

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

HOST, PORT, PASSWORD, FEW = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
PATIENCE = 10
QUIET = 0.4


class Client:
    """A client that writes down what comes."""

    def __init__(self, version, name=None, clean=True, expiry=0, password=PASSWORD, **options):
        self.version = version
        self.messages, self.acks = queue.Queue(), queue.Queue()
        self.answers, self.connacks, self.ends = queue.Queue(), queue.Queue(), queue.Queue()
        name = uuid.uuid4().hex if name is None else name
        settings = {} if version == 5 else {"clean_session": clean}
        self.client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, name, protocol=version, **settings
        )
        self.client.username_pw_set("suite", password)
        if "manual_ack" in options:
            self.client.manual_ack_set(True)
        if "will" in options:
            self.client.will_set(*options["will"][:4], properties=options.get("will_properties"))
        self.client.on_message = lambda c, u, message: self.messages.put(message)
        self.client.on_publish = lambda c, u, mid, code, p: self.acks.put((mid, code))
        self.client.on_subscribe = lambda c, u, mid, codes, p: self.answers.put(codes)
        self.client.on_unsubscribe = lambda c, u, mid, codes, p: self.answers.put(codes)
        self.client.on_connect = lambda c, u, f, code, p: self.connacks.put((f, code, p))
        self.client.on_disconnect = lambda c, u, f, code, p: self.ends.put(code)
        if version == 5:
            properties = options.get("properties") or Properties(PacketTypes.CONNECT)
            if expiry:
                properties.SessionExpiryInterval = expiry
            self.client.connect(HOST, PORT, 60, clean_start=clean, properties=properties)
        else:
            self.client.connect(HOST, PORT, 60)
        self.client.loop_start()
        self.flags, self.code, self.connack = self.connacks.get(timeout=PATIENCE)

    def subscribe(self, topic, qos=2, **options):
        self.client.subscribe(topic, qos, **options)
        return self.answers.get(timeout=PATIENCE)

    def unsubscribe(self, topic):
        self.client.unsubscribe(topic)
        return self.answers.get(timeout=PATIENCE)

    def publish(self, topic, payload, qos=0, retain=False, properties=None):
        info = self.client.publish(topic, payload, qos, retain, properties=properties)
        info.wait_for_publish(PATIENCE)
        assert info.is_published(), "not acknowledged"

    def next(self):
        return self.messages.get(timeout=PATIENCE)

    def payloads(self, count):
        return [self.next().payload for _ in range(count)]

    def quiet(self, seconds=QUIET):
        try:
            message = self.messages.get(timeout=seconds)
        except queue.Empty:
            return
        raise AssertionError(f"unexpected: {message.topic} {message.payload}")

    def end(self):
        self.client.disconnect()
        self.client.loop_stop()

    def die(self):
        """Goes without a word."""
        self.client.loop_stop()
        self.client._sock_close()


def topic(*levels):
    return "/".join((RUN,) + levels)


def three(name=None, **options):
    return Client(4, name, **options)


def five(name=None, **options):
    return Client(5, name, **options)


def publish_properties(**values):
    properties = Properties(PacketTypes.PUBLISH)
    for name, value in values.items():
        setattr(properties, name, value)
    return properties


def connect_properties(**values):
    properties = Properties(PacketTypes.CONNECT)
    for name, value in values.items():
        setattr(properties, name, value)
    return properties


# ── Cases of both versions ────────────────────────────────────────────────────────────────────────


def basic(make):
    client = make()
    client.subscribe(topic("a"))
    for qos in (0, 1, 2):
        client.publish(topic("a"), b"qos %d" % qos, qos)
    got = sorted((message.qos, message.payload) for message in (client.next() for _ in range(3)))
    assert got == [(0, b"qos 0"), (1, b"qos 1"), (2, b"qos 2")], got
    client.quiet()
    client.end()
    # A second CONNECT on one connection ends it.
    raw = Raw(client.version)
    raw.connect()
    raw.send(raw.connect_packet())
    assert raw.closed()


def retained(make):
    client = make()
    for qos in (0, 1, 2):
        client.publish(topic("r", str(qos)), b"qos %d" % qos, qos, retain=True)
    client.subscribe(topic("r", "+"))
    got = [client.next() for _ in range(3)]
    assert all(message.retain for message in got)
    assert sorted(m.payload for m in got) == [b"qos 0", b"qos 1", b"qos 2"]
    client.unsubscribe(topic("r", "+"))
    for qos in (0, 1, 2):
        client.publish(topic("r", str(qos)), b"", qos, retain=True)
    client.subscribe(topic("r", "+"))
    client.quiet()
    client.end()


def offline_queueing(make):
    name = uuid.uuid4().hex
    keep = {"clean": False, "expiry": 3600}
    client = make(name, **keep)
    client.subscribe(topic("q", "+"))
    client.end()
    other = make()
    for qos in (1, 2):
        other.publish(topic("q", str(qos)), b"qos %d" % qos, qos)
    other.publish(topic("q", "0"), b"qos 0", 0)
    other.end()
    client = make(name, **keep)
    assert client.flags.session_present
    got = client.payloads(2)
    assert got[:2] == [b"qos 1", b"qos 2"], got
    client.end()


def overlapping(make):
    client = make()
    client.client.subscribe([(topic("o", "#"), 2), (topic("o", "+"), 1)])
    client.answers.get(timeout=PATIENCE)
    client.publish(topic("o", "a"), b"x", 2)
    got = [client.next().qos]
    try:
        got.append(client.messages.get(timeout=QUIET).qos)
    except queue.Empty:
        pass
    # Once with the greater QoS, or once for each filter.
    assert sorted(got) in ([2], [1, 2]), got
    client.end()
    return "one message for each filter" if len(got) == 2 else "one message"


def keepalive(make):
    version = make().version
    raw = Raw(version, keepalive=1, will=(topic("k"), b"expired"))
    watcher = make()
    watcher.subscribe(topic("k"))
    raw.connect()
    message = watcher.next()
    assert message.payload == b"expired"
    watcher.end()


def redelivery(make):
    name = uuid.uuid4().hex
    version = make().version
    raw = Raw(version, name=name, clean=False)
    raw.connect()
    raw.subscribe(topic("d", "+"), 2)
    other = make()
    for qos in (1, 2):
        other.publish(topic("d", str(qos)), b"qos %d" % qos, qos)
    first = [raw.publish_packet() for _ in range(2)]
    raw.close()
    raw = Raw(version, name=name, clean=False)
    raw.connect()
    second = [raw.publish_packet() for _ in range(2)]
    assert sorted(p["payload"] for p in second) == sorted(p["payload"] for p in first)
    assert all(packet["dup"] for packet in second), second
    raw.close()
    other.end()


def subscribe_failure(make):
    client = make(password=FEW)
    codes = client.subscribe(topic("not"), 2)
    assert codes[0].value >= 0x80, codes
    codes = client.subscribe("few/yes", 2)
    assert codes[0].value == 2, codes
    client.end()


def dollar_topics(make):
    client, other = make(), make()
    client.subscribe("#")
    client.subscribe("+/broker/uptime")
    deadline = time.time() + QUIET
    other.publish(topic("dollar"), b"seen", 1)
    while time.time() < deadline:
        try:
            message = client.messages.get(timeout=0.1)
        except queue.Empty:
            continue
        assert not message.topic.startswith("$"), message.topic
    # Nobody but the broker writes there.
    client.unsubscribe("#")
    client.subscribe("$SYS/forged")
    other.publish("$SYS/forged", b"x", 0)
    client.quiet()
    client.subscribe("$SYS/broker/+")
    assert client.next().topic.startswith("$SYS/broker/")
    client.end()
    other.end()


def unsubscribe(make):
    client, other = make(), make()
    for level in ("1", "2", "3"):
        client.subscribe(topic("u", level))
    client.unsubscribe(topic("u", "1"))
    for level in ("1", "2", "3"):
        other.publish(topic("u", level), level.encode(), 1)
    assert sorted(client.payloads(2)) == [b"2", b"3"]
    client.quiet()
    client.end()
    other.end()


def zero_length_clientid_three(make):
    client = three("")
    assert client.code == 0
    client.end()
    raw = Raw(4, name="", clean=False)
    assert raw.connect(check=False) == 2, "identifier rejected"


def zero_length_clientid_five(make):
    for clean in (True, False):
        client = five("", clean=clean)
        assert client.code == 0 and client.connack.AssignedClientIdentifier
        client.end()


# ── Cases of MQTT 5 ───────────────────────────────────────────────────────────────────────────────


def will_message(make):
    watcher = five()
    watcher.subscribe(topic("w"))
    client = five(will=(topic("w"), b"gone", 2, False))
    client.die()
    assert watcher.next().payload == b"gone"
    client = five(will=(topic("w"), b"never", 2, False))
    client.end()
    watcher.quiet()
    watcher.end()


def session_expiry(make):
    name = uuid.uuid4().hex
    client = five(name, clean=False)
    client.subscribe(topic("e"))
    client.end()
    client = five(name, clean=False, expiry=1)
    assert not client.flags.session_present, "it ended with its connection"
    client.subscribe(topic("e"))
    client.end()
    client = five(name, clean=False, expiry=1)
    assert client.flags.session_present
    client.end()
    time.sleep(2.5)
    client = five(name, clean=False)
    assert not client.flags.session_present, "it expired"
    client.end()


def shared_subscriptions(make):
    one, two, other = five(), five(), five()
    for client in (one, two):
        client.subscribe("$share/group/" + topic("s", "+"))
    for number in range(20):
        other.publish(topic("s", "a"), str(number).encode(), 1)
    got, counts = [], [0, 0]
    deadline = time.time() + PATIENCE
    while len(got) < 20 and time.time() < deadline:
        for index, client in enumerate((one, two)):
            try:
                got.append(int(client.messages.get(timeout=0.05).payload))
                counts[index] += 1
            except queue.Empty:
                pass
    assert sorted(got) == list(range(20)), got
    assert min(counts) > 0, counts
    one.quiet()
    two.quiet()
    for client in (one, two, other):
        client.end()


def server_keep_alive(make):
    client = five()
    answer = getattr(client.connack, "ServerKeepAlive", None)
    client.end()
    return f"the broker names {answer}" if answer else "the broker takes the client's"


def flow_control_1(make):
    """No more than the client's receive maximum is in flight."""
    name = uuid.uuid4().hex
    raw = Raw(5, name=name, receive_maximum=2)
    raw.connect()
    raw.subscribe(topic("f"), 2)
    other = five()
    for number in range(10):
        other.publish(topic("f"), str(number).encode(), 1)
    first = [raw.publish_packet() for _ in range(2)]
    assert raw.silent(QUIET), "a third before the first was acknowledged"
    raw.puback(first[0]["id"])
    assert raw.publish_packet()["payload"] == b"2"
    assert raw.silent(QUIET)
    raw.close()
    other.end()


def flow_control_2(make):
    """A client that begins more than the broker's receive maximum is sent away."""
    raw = Raw(5)
    raw.connect()
    maximum = raw.receive_maximum
    assert 0 < maximum < 65535, maximum
    for number in range(1, maximum + 1):
        raw.send(raw.publish_bytes(topic("f2"), b"x", 2, number))
        assert raw.packet()[0] & 0xF0 == 0x50
    raw.send(raw.publish_bytes(topic("f2"), b"x", 2, maximum + 1))
    kind, body = raw.packet()
    assert kind == 0xE0 and body[0] == 0x93, (kind, body)


def will_delay(make):
    watcher = five()
    watcher.subscribe(topic("wd"))
    properties = Properties(PacketTypes.WILLMESSAGE)
    properties.WillDelayInterval = 2
    name = uuid.uuid4().hex
    will = {"will": (topic("wd"), b"late", 2, False), "will_properties": properties}
    client = five(name, clean=False, expiry=60, **will)
    client.die()
    started = time.time()
    assert watcher.next().payload == b"late"
    assert 1.0 < time.time() - started < 6.0, time.time() - started
    client = five(name, clean=False, expiry=60, **will)
    client.die()
    client = five(name, clean=False, expiry=60)
    watcher.quiet(3)
    client.end()
    watcher.end()


def request_response(make):
    asker, answerer = five(), five()
    asker.subscribe(topic("answers"))
    answerer.subscribe(topic("questions"))
    properties = publish_properties(ResponseTopic=topic("answers"), CorrelationData=b"334")
    asker.publish(topic("questions"), b"request", 1, properties=properties)
    question = answerer.next()
    assert question.properties.CorrelationData == b"334"
    properties = publish_properties(CorrelationData=question.properties.CorrelationData)
    answerer.publish(question.properties.ResponseTopic, b"response", 1, properties=properties)
    answer = asker.next()
    assert (answer.payload, answer.properties.CorrelationData) == (b"response", b"334")
    asker.end()
    answerer.end()


def client_topic_alias(make):
    raw = Raw(5)
    raw.connect()
    assert raw.topic_alias_maximum > 0
    watcher = five()
    watcher.subscribe(topic("ta"))
    raw.send(raw.publish_bytes(topic("ta"), b"1", 0, properties=b"\x23\x00\x01"))
    raw.send(raw.publish_bytes("", b"2", 0, properties=b"\x23\x00\x01"))
    assert watcher.payloads(2) == [b"1", b"2"]
    for wrong in (0, raw.topic_alias_maximum + 1):
        bad = Raw(5)
        bad.connect()
        bad.send(bad.publish_bytes(topic("ta"), b"x", 0, properties=b"\x23" + struct.pack(">H", wrong)))
        assert bad.closed()
    # An alias ends with its connection.
    raw.close()
    raw = Raw(5)
    raw.connect()
    raw.send(raw.publish_bytes("", b"3", 0, properties=b"\x23\x00\x01"))
    assert raw.closed()
    watcher.quiet()
    watcher.end()


def server_topic_alias(make):
    client = five(properties=connect_properties(TopicAliasMaximum=10))
    client.subscribe(topic("sta"))
    for _ in range(3):
        client.publish(topic("sta"), b"x", 1)
    got = [client.next() for _ in range(3)]
    assert all(message.topic == topic("sta") for message in got)
    used = any(hasattr(message.properties, "TopicAlias") for message in got)
    client.end()
    return "the broker uses aliases" if used else "the broker uses no aliases"


def maximum_packet_size(make):
    client = five(properties=connect_properties(MaximumPacketSize=64))
    assert client.connack.MaximumPacketSize <= 268435455
    other = five()
    client.subscribe(topic("m"))
    other.publish(topic("m"), b"x" * 200, 1)
    client.quiet()
    client.client.loop_stop()
    other.end()
    # More than the broker takes ends the connection.
    raw = Raw(5)
    raw.connect()
    raw.send(raw.publish_bytes(topic("m"), b"x" * (client.connack.MaximumPacketSize + 1), 0))
    assert raw.closed()


def user_properties(make):
    client = five()
    client.subscribe(topic("up"))
    wanted = [("a", "2"), ("c", "3")]
    client.publish(topic("up"), b"x", 1, properties=publish_properties(UserProperty=wanted))
    got = client.next().properties.UserProperty
    assert [pair for pair in got if pair in wanted] == wanted, got
    more = [name for name, _ in got if (name, _) not in wanted]
    client.end()
    return "the broker adds " + ", ".join(more) if more else None


def payload_format(make):
    client = five()
    client.subscribe(topic("pf"))
    properties = publish_properties(PayloadFormatIndicator=1, ContentType="My name")
    client.publish(topic("pf"), "text", 2, properties=properties)
    got = client.next().properties
    assert (got.PayloadFormatIndicator, got.ContentType) == (1, "My name")
    client.end()


def publication_expiry(make):
    name = uuid.uuid4().hex
    client = five(name, clean=False, expiry=3600)
    client.subscribe(topic("pe"))
    client.end()
    other = five()
    for seconds, text in ((1, b"over"), (300, b"in time"), (None, b"for ever")):
        values = {} if seconds is None else {"MessageExpiryInterval": seconds}
        other.publish(topic("pe"), text, 1, properties=publish_properties(**values))
    time.sleep(2.5)
    client = five(name, clean=False, expiry=3600)
    one, two = client.next(), client.next()
    assert (one.payload, two.payload) == (b"in time", b"for ever")
    assert one.properties.MessageExpiryInterval < 300
    client.quiet()
    client.end()
    other.end()


def subscribe_options(make):
    client = five()
    client.subscribe(topic("so", "1"), options=SubscribeOptions(2, noLocal=True), qos=0)
    client.publish(topic("so", "1"), b"own", 1)
    client.quiet()
    client.subscribe(topic("so", "2"), options=SubscribeOptions(2, retainAsPublished=True), qos=0)
    client.publish(topic("so", "2"), b"kept", 1, retain=True)
    assert client.next().retain
    for handling, count in ((0, 1), (1, 0), (2, 0)):
        options = SubscribeOptions(2, retainHandling=handling)
        client.subscribe(topic("so", "2"), options=options, qos=0)
        if count:
            assert client.next().payload == b"kept"
        client.quiet()
    client.end()


def subscribe_identifiers(make):
    client = five()
    for number, level in ((2, "+"), (456789, "a")):
        properties = Properties(PacketTypes.SUBSCRIBE)
        properties.SubscriptionIdentifier = number
        client.client.subscribe(topic("si", level), 1, properties=properties)
        client.answers.get(timeout=PATIENCE)
    client.publish(topic("si", "a"), b"x", 1)
    numbers = []
    while sorted(numbers) != [2, 456789]:
        numbers += client.next().properties.SubscriptionIdentifier
    client.quiet()
    client.end()


def assigned_clientid(make):
    client = five("", clean=False, expiry=600)
    name = client.connack.AssignedClientIdentifier
    client.end()
    client = five(name, clean=False, expiry=600)
    assert client.flags.session_present
    client.end()


# ── Packets by hand, where a client would be too polite ───────────────────────────────────────────


class Raw:
    def __init__(self, version, name=None, clean=True, keepalive=60, will=None, receive_maximum=None):
        self.version, self.name = version, uuid.uuid4().hex if name is None else name
        self.clean, self.keepalive, self.will = clean, keepalive, will
        self.client_receive_maximum = receive_maximum
        self.receive_maximum, self.topic_alias_maximum = 65535, 0
        self.socket = socket.create_connection((HOST, PORT), timeout=PATIENCE)

    @staticmethod
    def text(value):
        value = value.encode() if isinstance(value, str) else value
        return struct.pack(">H", len(value)) + value

    @staticmethod
    def frame(first, body):
        out, length = bytes([first]), len(body)
        while True:
            length, byte = length // 128, length % 128
            out += bytes([byte | (0x80 if length else 0)])
            if not length:
                return out + body

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            pass

    def read(self, count):
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def packet(self):
        first, length, shift = self.read(1)[0], 0, 0
        while True:
            byte = self.read(1)[0]
            length |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return first, self.read(length)

    def connect_packet(self):
        flags = 0xC0 | (0x02 if self.clean else 0) | (0x04 if self.will else 0)
        body = self.text("MQTT") + bytes([self.version, flags]) + struct.pack(">H", self.keepalive)
        if self.version == 5:
            properties = b"" if self.clean else b"\x11" + struct.pack(">I", 3600)
            if self.client_receive_maximum:
                properties += b"\x21" + struct.pack(">H", self.client_receive_maximum)
            body += bytes([len(properties)]) + properties
        body += self.text(self.name)
        if self.will:
            body += (b"\x00" if self.version == 5 else b"") + self.text(self.will[0])
            body += self.text(self.will[1])
        body += self.text("suite") + self.text(PASSWORD)
        return self.frame(0x10, body)

    def connect(self, check=True):
        self.send(self.connect_packet())
        kind, body = self.packet()
        assert kind == 0x20
        assert not check or body[1] == 0, body
        if self.version == 5:
            self.look(body[3:])
        return body[1]

    def look(self, data):
        """The two numbers of CONNACK that matter here."""
        sizes = {0x11: 4, 0x13: 2, 0x21: 2, 0x22: 2, 0x24: 1, 0x25: 1, 0x27: 4, 0x28: 1, 0x29: 1, 0x2A: 1}
        while data:
            kind, data = data[0], data[1:]
            if kind not in sizes:
                size = struct.unpack(">H", data[:2])[0] + 2
            else:
                size = sizes[kind]
            value, data = data[:size], data[size:]
            if kind == 0x21:
                self.receive_maximum = struct.unpack(">H", value)[0]
            if kind == 0x22:
                self.topic_alias_maximum = struct.unpack(">H", value)[0]

    def subscribe(self, filter_, qos):
        properties = b"\x00" if self.version == 5 else b""
        self.send(self.frame(0x82, b"\x00\x07" + properties + self.text(filter_) + bytes([qos])))
        while self.packet()[0] != 0x90:
            pass

    def publish_bytes(self, name, payload, qos, number=None, properties=b""):
        body = self.text(name) + (struct.pack(">H", number) if number else b"")
        if self.version == 5:
            body += bytes([len(properties)]) + properties
        return self.frame(0x30 | qos << 1, body + payload)

    def publish_packet(self):
        while True:
            first, body = self.packet()
            if first & 0xF0 != 0x30:
                continue
            size = struct.unpack(">H", body[:2])[0] + 2
            qos, number = first >> 1 & 3, None
            rest = body[size:]
            if qos:
                number, rest = struct.unpack(">H", rest[:2])[0], rest[2:]
            if self.version == 5:
                rest = rest[1 + rest[0]:]
            return {"payload": rest, "qos": qos, "id": number, "dup": bool(first & 8)}

    def puback(self, number):
        self.send(b"\x40\x02" + struct.pack(">H", number))

    def silent(self, seconds):
        self.socket.settimeout(seconds)
        try:
            self.socket.recv(1, socket.MSG_PEEK)
            return False
        except socket.timeout:
            return True
        finally:
            self.socket.settimeout(PATIENCE)

    def closed(self):
        try:
            while True:
                self.packet()
        except (EOFError, ConnectionError):
            return True

    def close(self):
        self.socket.close()


BOTH = [
    basic, retained, offline_queueing, overlapping, keepalive, redelivery, subscribe_failure,
    dollar_topics, unsubscribe,
]
CASES = [(3, three, case) for case in BOTH + [zero_length_clientid_three]] + [
    (5, five, case)
    for case in BOTH
    + [
        zero_length_clientid_five, will_message, session_expiry, shared_subscriptions,
        server_keep_alive, flow_control_1, flow_control_2, will_delay, request_response,
        client_topic_alias, server_topic_alias, maximum_packet_size, user_properties,
        payload_format, publication_expiry, subscribe_options, subscribe_identifiers,
        assigned_clientid,
    ]
]

for VERSION, MAKE, CASE in CASES:
    RUN = uuid.uuid4().hex
    result = {"case": f"{VERSION} {CASE.__name__}", "failed": None, "note": None}
    try:
        result["note"] = CASE(MAKE)
    except Exception as error:  # Whatever it is, it is this case's.
        result["failed"] = f"{type(error).__name__}: {error}"
    print(json.dumps(result), flush=True)
