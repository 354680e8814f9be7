"""usage: delay.py QUEUE DELAY JITTER LOSS SEED     seconds, and a fraction; packets of an NFQUEUE

Packets overtake each other as their delays fall. Ends with its namespace's processes.
"""
import heapq
import random
import sys
import threading
import time

from netfilterqueue import NetfilterQueue

QUEUE, DELAY, JITTER, LOSS = int(sys.argv[1]), *map(float, sys.argv[2:5])
random.seed(int(sys.argv[5]))
waiting, ready, count = [], threading.Condition(), 0


def come(packet):
    global count
    if random.random() < LOSS:
        packet.drop()
        return
    packet.retain()
    with ready:
        count += 1
        heapq.heappush(waiting, (time.monotonic() + DELAY + random.uniform(-JITTER, JITTER), count, packet))
        ready.notify()


def release():
    while True:
        with ready:
            while not waiting or waiting[0][0] > time.monotonic():
                ready.wait(max(0.0, waiting[0][0] - time.monotonic()) if waiting else None)
            packet = heapq.heappop(waiting)[2]
        packet.accept()


threading.Thread(target=release, daemon=True).start()
queue = NetfilterQueue()
queue.bind(QUEUE, come, max_len=20000)
queue.run()
