"""A foreign broker and a foreign client for the tests of the adapter: librdkafka's mock cluster, and
its producer and consumer. The first line of the output is the broker's address; then each line of the
input is a command and gets a line."""

import base64
import json
import sys

from confluent_kafka import Consumer, Producer, TopicPartition

mock = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "mock", "log_level": 2})
at = next(iter(mock.list_topics(timeout=10).brokers.values()))
address = f"{at.host}:{at.port}"
producers = {}


def producer(codec):
    if codec not in producers:
        options = {"bootstrap.servers": address, "compression.type": codec, "partitioner": "murmur2"}
        producers[codec] = Producer(options)
    return producers[codec]


def topic(name):
    """Makes it, and returns its partitions."""
    return sorted(producer("none").list_topics(name, timeout=10).topics[name].partitions)


def produce(command):
    client = producer(command.get("codec", "none"))
    value = command.get("value")
    if "base64" in command:
        value = base64.b64decode(command["base64"])
    options = {name: command[name] for name in ("key", "headers", "timestamp") if name in command}
    if "partition" in command:
        options["partition"] = command["partition"]
    told = []
    for _ in range(command.get("times", 1)):
        client.produce(
            command["topic"], value, on_delivery=lambda error, message: told.append(message), **options
        )
    client.flush(10)
    return {"partition": told[-1].partition(), "offset": told[-1].offset()}


def consumer(name):
    client = Consumer({"bootstrap.servers": address, "group.id": "tests", "enable.auto.commit": False})
    client.assign([TopicPartition(name, partition, 0) for partition in topic(name)])
    return client


def read(command):
    client, found = consumer(command["topic"]), []
    while len(found) < command["count"]:
        message = client.poll(10)
        if message is None:
            break
        if message.error():
            continue
        headers = {name: value.decode() for name, value in message.headers() or []}
        found.append(
            {
                "partition": message.partition(),
                "key": (message.key() or b"").decode(),
                "value": (message.value() or b"").decode(),
                "headers": headers,
                "millis": message.timestamp()[1],
            }
        )
    client.close()
    return found


def count(command):
    client, name = consumer(command["topic"]), command["topic"]
    ends = (client.get_watermark_offsets(TopicPartition(name, p), timeout=10) for p in topic(name))
    total = sum(end for _, end in ends)
    client.close()
    return total


def main():
    for name in [*sys.argv[1:], "written"]:
        topic(name)
    print(address, flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        obey = {"produce": produce, "read": read, "count": count}[command["op"]]
        print(json.dumps(obey(command)), flush=True)


main()
