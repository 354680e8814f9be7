#!/usr/bin/env python3
"""Replicates a mainstem node: a second implementation, from api-spec/remote-protocol.md alone (numbers in comments are
its sections). A line on standard input prints what it has, as lines of JSON. reader.py HOST PORT CA_FILE TOKEN"""
import http.client, json, random, ssl, sys, threading, time
BEAT, UNCERTAIN, BAD, CONNECT, REFUSED = 0.5, 2.0, 30.0, 1.0, 30.0  # 16, profile `lan`
LINE_MAX, NUMBER_MAX, POINTS_MAX = 1 << 20, 4_194_304, 500_000  # 18
GRADES, WORDS = ["good", "uncertain", "bad"], {  # 9
    0: "ok local_override", 16: "restarted link_quiet stale frozen bad_source_time clock_drift reconnecting "
    "catching_up uncertain_source out_of_range", 32: "link_down adapter_down device_down bad_address device_error bad_type "
    "waiting out_of_service misconfigured bad_source stopped"}
REASONS = {at + i: word for at, words in WORDS.items() for i, word in enumerate(words.split())}
KINDS = dict(bool=bool, text=str, bytes=str, time=str, json=object, f32=(int, float, str), f64=(int, float, str))  # 8
def chain(key):  # a source and all above it
    return [] if key is None else [key] + chain(key[0])

class Mirror:
    def __init__(self, host, port, ca_file, token):
        self.address, self.context = (host, int(port)), ssl.create_default_context(cafile=ca_file)
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.heard, self.cursor, self.lock, self.tree, self.table = None, None, threading.RLock(), {}, {}
        self.numbers, self.names, self.count = {}, {}, dict(snapshots=0, resumes=0, rows=0, changes=0, missed=0, beats=0)
        self.begin(None, time.monotonic())
    def begin(self, sock, uncertain):  # what belongs to one stream is void
        self.sock, self.hello, self.in_snapshot, self.uncertain = sock, None, False, uncertain
        self.applied, self.marks, self.quiet, self.came = 0, [], {}, time.monotonic()
    def ask(self, connection, method, path, body=None, **headers):  # 1
        connection = connection or http.client.HTTPSConnection(*self.address, timeout=CONNECT, context=self.context)
        connection.request(method, f"/api/v1/{path}", body, {**self.headers, **headers})
        return connection, connection.sock, connection.getresponse()
    def line(self, line):  # 3
        if (self.hello is None) != ("hello" in line) or line.get("hello", {}).get("protocol", 1) != 1:
            raise ValueError("not a stream of protocol 1")
        if hello := line.get("hello"):  # 4, 11
            self.hello, self.in_snapshot = hello, hello.get("snapshot", False)
            self.count["snapshots" if self.in_snapshot else "resumes"] += 1
            if self.in_snapshot: self.numbers, self.names, self.cursor = {}, {}, None
            self.applied = int(self.cursor.split("-")[2], 16) if self.cursor else 0
        if "source" in line: self.source(line["source"])
        if line.get("status", {}).get("id") in self.numbers:
            self.tree[self.numbers[line["status"]["id"]]].update(line["status"])
        for frame in line.get("define", []): self.define(frame)
        for number in line.get("remove", []): self.table.pop(self.names.pop(number, None), None)
        if "gone" in line: self.drop({self.numbers.pop(number, None) for number in line["gone"]})
        self.rows(line)
        self.count["missed"] += line.get("gap", {}).get("count", 0)
        if line.get("end") and self.in_snapshot:  # 11
            run, self.in_snapshot = self.count["snapshots"], False
            named = {key: source.get("complete") for key, source in self.tree.items() if source["run"] == run}
            self.drop({key for key in self.tree if key not in named and (key[0] is None or named.get(key[0]))})
            self.table = {n: p for n, p in self.table.items() if p["run"] == run or not named.get(p["source"])}
        if "s" in line and not self.in_snapshot:  # 13
            epoch, self.applied = self.hello["epoch"], line["s"]
            self.cursor = f"{epoch['counter']:x}-{epoch['random']:016x}-{line['s']:x}-{self.hello['filter']:x}"
            self.marks = [mark for mark in self.marks if mark[0] > self.applied]
    def source(self, frame):  # 5
        if (parent := frame.get("parent")) is not None and parent not in self.numbers: return
        key = (self.numbers.get(parent), frame["node"], frame["name"])
        known, epoch = self.tree.get(key, frame)["epoch"], frame["epoch"]
        if frame["node"] == self.hello["node"] and epoch != known and epoch["counter"] <= known["counter"]:
            for point in (p for p in self.table.values() if p["source"] == key): point["stamp"] = (0, 0)  # 10: restored
        self.tree[key], self.numbers[frame["id"]] = {**frame, "run": self.count["snapshots"]}, key
        self.quiet.pop(frame["id"], None)
    def define(self, frame):  # 6
        if frame["id"] >= NUMBER_MAX or len(self.table) >= POINTS_MAX: raise ValueError("too many datapoints")
        if frame.get("source") in self.numbers:
            old, source, run = self.table.get(frame["name"], {}), self.numbers[frame["source"]], self.count["snapshots"]
            new = dict(value=None, time=None, quality=(2, "waiting"), stamp=(-1, -1))
            kept = old if old.get("type") == frame["type"] else new
            self.table[frame["name"]] = {**kept, **frame, "source": source, "run": run}
            self.names[frame["id"]] = frame["name"]
    def drop(self, gone):  # sources with all that hangs on them
        self.tree = {key: source for key, source in self.tree.items() if gone.isdisjoint(chain(key))}
        self.table = {name: point for name, point in self.table.items() if point["source"] in self.tree}
    def rows(self, line):  # 7, 10
        at, following = line.get("t", 0), line.get("o", 0)
        for number, dt, value, code, origin, epoch in ((row + [None] * 3)[:6] for row in line.get("r", [])):
            at, origin = at + dt, following if origin is None else origin
            following, point = origin + 1, self.table.get(self.names.get(number))
            self.count["rows"] += 1
            if point is None: continue
            quality = (min((code or 0) >> 8, 2), REASONS.get((code or 0) & 255, "other"))
            kind = list if point["type"].endswith("]") else KINDS.get(point["type"], int)
            value, quality = (value, quality) if value is None or isinstance(value, kind) else (None, (2, "bad_type"))
            epoch = self.tree[point["source"]]["epoch"]["counter"] if epoch is None else epoch
            stamp, known = (epoch, origin), point["stamp"]
            fresh = dict(value=value, time=at, quality=quality, stamp=stamp) if stamp > known else {}
            if epoch == known[0] and quality != point["quality"] and (stamp == known or quality[1] == "restarted"):
                fresh = fresh or dict(quality=quality)
            self.count["changes"] += bool(point.update(fresh) or fresh)
    def link(self, now):  # 16
        is_live = self.hello and not self.in_snapshot and self.applied >= self.hello["head"] and (
            not self.marks or now - self.marks[0][1] <= (2 * BEAT if self.uncertain else UNCERTAIN))
        self.uncertain = None if is_live else self.uncertain or now
        reason = "restarted" if self.heard is None else "catching_up" if self.hello else "link_quiet"
        return (0, "ok") if is_live else (2, "link_down") if now - self.uncertain >= BAD else (1, reason)
    def effective(self, point, link, now):  # 9, 15
        qualities = [link]
        for source in map(self.tree.get, reversed(chain(point["source"]))):
            silent = now - self.quiet.get(source["id"], now) >= UNCERTAIN and source["status"] == "good"
            qualities.append((1, "link_quiet") if silent else (GRADES.index(source["status"]), source["reason"]))
        worst = max(qualities, key=lambda quality: quality[0])
        return point["quality"] if point["quality"][0] >= max(worst[0], 1) else worst if worst[0] else (0, "ok")
    def stream(self, tries=0):  # 2, 13, 16
        while True:
            try:
                pause = random.uniform(0.1, 1) * min(5, 0.5 * 2 ** tries)
                path = "changes?delivery=every" + (f"&since={self.cursor}" if self.cursor else "")
                _, sock, answer = self.ask(None, "GET", path, Accept="application/x-ndjson")
                self.cursor = None if answer.status == 410 else self.cursor
                if answer.status not in (200, 410): raise ValueError(f"{answer.status} {answer.read(500)}")
                sock.settimeout(None)  # silence is noticed by the beats
                self.begin(sock, self.uncertain)
                while answer.status == 200 and (text := answer.readline(LINE_MAX)):
                    with self.lock:
                        self.heard = self.came = time.monotonic()
                        self.line(json.loads(text))
                        tries = 0 if self.link(self.came)[0] == 0 else tries
            except (OSError, http.client.HTTPException): pass
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                pause = print("refused:", repr(error), file=sys.stderr) or REFUSED
            with self.lock: self.begin(None, self.uncertain or time.monotonic())
            tries = time.sleep(pause) or tries + 1
    def beats(self, connection=None):  # 15
        while not time.sleep(BEAT):
            try:
                with self.lock:
                    hello, now, sock, wall = self.hello, time.monotonic(), self.sock, int(time.time() * 1e6)
                    stuck = self.marks and now - max(self.marks[0][1], self.came) >= UNCERTAIN
                if sock and (stuck or now - max(self.came, self.heard or 0) >= UNCERTAIN): sock.shutdown(2)
                beat = dict(session=hello["session"], applied=self.applied, sent=int(now * 1e6), sent_wall=wall)
                connection, _, answer = self.ask(connection, "POST", "link/beat", json.dumps(beat))
                answer = json.loads(answer.read())
                with self.lock:
                    if self.hello is hello:
                        answer.get("known") or sock.shutdown(2)
                        self.heard, self.count["beats"] = time.monotonic(), self.count["beats"] + 1
                        self.marks += [(answer["head"], now)] if answer["head"] > self.applied else []
                        self.quiet = {number: self.heard - ms / 1000 for number, ms in answer.get("quiet", [])}
            except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
                connection = None

if __name__ == "__main__":
    mirror = Mirror(*sys.argv[1:5])
    for task in (mirror.stream, mirror.beats): threading.Thread(target=task, daemon=True).start()
    for _ in sys.stdin:
        with mirror.lock:
            link = mirror.link(now := time.monotonic())
            for name, point in sorted(mirror.table.items()):
                print(json.dumps([name, point["value"], point["time"], mirror.effective(point, link, now)]))
            print(json.dumps(dict(link=link, **mirror.count)), flush=True)
