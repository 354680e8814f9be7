"""A connector for the conformance suite: its device is what a control file says. Arguments: the
folder with the files `device` (run, gone, frozen, garbage) and `writes`; `polled` or `sends`."""

import json
import queue
import sys
import threading
import time

folder, mode = sys.argv[1], sys.argv[2]
points, values, wanted = {}, {}, []
connected = False


def say(word):
    sys.stdout.write(json.dumps(word) + "\n")
    sys.stdout.flush()


def device():
    with open(folder + "/device") as file:
        return file.read().strip()


def sample(id):
    signal = points[id]["address"]["signal"]
    return [id, None, "bad_address"] if signal == "nowhere" else [id, values.setdefault(signal, 1.5)]


def write(order):
    values[points[order["point"]]["address"]["signal"]] = order["value"]
    with open(folder + "/writes", "a") as file:
        file.write("x")
    say({"answer": order["request"], "applied": True})


def obey(order):
    global connected
    op, request = order["op"], order.get("request")
    if op in ("connect", "reconnect"):
        points.clear()
        points.update({point["id"]: point for point in order["points"]})
        connected = device() != "gone"
        say({"connected": True} if connected else {"failed": {"message": "the device is gone"}})
    elif op == "subscribe":
        wanted[:] = order["points"]
    elif op == "read":
        say({"answer": request, "samples": [sample(id) for id in order["points"]]})
    elif op == "write":
        write(order)
    elif op == "ping":
        say({"answer": request})
    elif op == "disconnect":
        say({"disconnected": True})
        sys.exit(0)


orders = queue.Queue()


def listen():
    for line in sys.stdin:
        orders.put(json.loads(line))
    orders.put({"op": "disconnect"})


threading.Thread(target=listen, daemon=True).start()
say({"hello": {"protocol": 1, "features": ["subscribe"] if mode == "sends" else []}})
while True:
    state = device()
    if state == "frozen":
        time.sleep(0.02)
        continue
    if state == "garbage":
        print("}{ this is no line")
        sys.stdout.flush()
        time.sleep(0.02)
        continue
    if connected and state == "gone":
        connected = False
        say({"lost": "the device is gone"})
    try:
        order = orders.get(timeout=0.05)
        # What the device was like before the wait says nothing.
        while device() == "frozen":
            time.sleep(0.02)
        if device() == "run" or order["op"] not in ("read", "write"):
            obey(order)
    except queue.Empty:
        if connected and mode == "sends":
            say({"samples": [sample(id) for id in wanted]})
