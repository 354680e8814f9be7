"""An InfluxDB 1.x (Debian: apt-get install influxdb) of its own: python3 influxdb.py PORT

It has an empty database `plant`, in a folder that goes with it.
"""

import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

port = int(sys.argv[1])
folder = pathlib.Path(tempfile.mkdtemp(prefix="influxdb-"))
config = folder / "influxdb.conf"
config.write_text(
    f"""
reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:{port}"
log-enabled = false
"""
)
server = subprocess.Popen(["influxd", "run", "-config", str(config)], stderr=subprocess.DEVNULL)
# It goes whenever this does.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
try:
    while server.poll() is None:
        try:
            query = f"http://127.0.0.1:{port}/query?q=CREATE+DATABASE+plant"
            urllib.request.urlopen(urllib.request.Request(query, method="POST"), timeout=5)
            break
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    server.wait()
finally:
    server.kill()
    subprocess.run(["rm", "-rf", str(folder)], check=False)
