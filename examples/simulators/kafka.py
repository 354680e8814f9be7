"""A Kafka broker in memory, made of librdkafka's mock cluster: python3 kafka.py PORT

The topic `press` has a message each second: the pressure in bar and the pieces so far. What is
written to `press.setpoint` is kept as long as the broker runs. The broker itself listens on a port of
its own choice and says so to its clients; PORT leads there.
"""

import json
import socket
import sys
import threading
import time

from confluent_kafka import Producer


def broker():
    """The mock cluster lives as long as the client that it came with."""
    mock = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "mock", "log_level": 3})
    at = next(iter(mock.list_topics(timeout=10).brokers.values()))
    return mock, (at.host, at.port)


def carry(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def lead(port, far):
    listener = socket.create_server(("127.0.0.1", port))
    while True:
        near, _ = listener.accept()
        try:
            end = socket.create_connection(far)
        except OSError:
            near.close()
            continue
        for pair in ((near, end), (end, near)):
            threading.Thread(target=carry, args=pair, daemon=True).start()


def main():
    mock, far = broker()
    client = Producer({"bootstrap.servers": f"{far[0]}:{far[1]}"})
    # Topics are made by being named.
    for topic in ("press", "press.setpoint"):
        client.list_topics(topic, timeout=10)
    threading.Thread(target=lead, args=(int(sys.argv[1]), far), daemon=True).start()
    while True:
        press = {"pressure": 4.5, "pieces": 1200}
        client.produce("press", json.dumps(press), key="press1", partition=0)
        client.flush(10)
        time.sleep(1)


main()
