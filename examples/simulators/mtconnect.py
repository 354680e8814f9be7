"""An MTConnect agent with one machine tool: python3 mtconnect.py PORT

Data items: x2 (Xact, a position), exec (execution, a state) and system (a condition with one warning).
"""

import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

AT = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
STATE = f"""
<Samples><Position dataItemId="x2" name="Xact" sequence="1" timestamp="{AT}">12.5</Position></Samples>
<Events><Execution dataItemId="exec" name="execution" sequence="2" timestamp="{AT}">ACTIVE</Execution></Events>
<Condition><Warning dataItemId="system" sequence="3" timestamp="{AT}" type="SYSTEM"
 nativeCode="W1">coolant is low</Warning></Condition>"""
PROBE = """<Devices><Device id="d" name="mill" uuid="mill-1"><DataItems>
<DataItem id="x2" name="Xact" category="SAMPLE" type="POSITION" units="MILLIMETER"/>
<DataItem id="exec" name="execution" category="EVENT" type="EXECUTION"/>
<DataItem id="system" category="CONDITION" type="SYSTEM"/>
</DataItems></Device></Devices>"""


def document(kind, inner):
    space = f"urn:mtconnect.org:MTConnect{kind}:1.8"
    header = '<Header instanceId="1" firstSequence="1" lastSequence="3" nextSequence="4"/>'
    return f'<MTConnect{kind} xmlns="{space}">{header}{inner}</MTConnect{kind}>\n'.encode()


def streams(inner):
    device = f'<DeviceStream name="mill" uuid="mill-1"><ComponentStream>{inner}</ComponentStream>'
    return document("Streams", f"<Streams>{device}</DeviceStream></Streams>")


class Agent(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        if "sample" in self.path:
            return self.stream()
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.end_headers()
        self.wfile.write(document("Devices", PROBE) if "probe" in self.path else streams(STATE))

    def stream(self):
        """Nothing happens to this machine: only signs of life."""
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace;boundary=part")
        self.end_headers()
        while True:
            body = streams("")
            head = f"--part\r\nContent-type: text/xml\r\nContent-length: {len(body)}\r\n\r\n"
            self.wfile.write(head.encode() + body + b"\r\n")
            time.sleep(1)


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Agent).serve_forever()
