"""The pages with 1,000,000 codes: the list answers within 50 ms and the overview within 100 ms (99 of 100 requests).

Usage: million.py PROGRAM
"""

import http.client
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from urllib.parse import urlencode

CODES = 1_000_000
WARM_UP, REQUESTS = 20, 300
LIMITS_MS = {"/console/codes": 50, "/console/codes?state=usable": 50, "/console/codes?state=used": 50, "/console/": 100}
FILL = """
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :codes)
    INSERT INTO otp_codes (
        code, mobile_number, email, valid_to, created_at, updated_at, attempts_left, consumed_at
    )
    SELECT 100000 + (i * 7919) % 900000,
           CASE WHEN i % 4 THEN printf('09%09d', (i * 7717) % 1000000000) END,
           CASE WHEN i % 4 = 0 THEN 'user' || i || '@example' || (i % 100) || '.com' END,
           :now - 1000000 * (:codes - i),
           :now - 1000000 * (:codes - i + 300),
           :now - 1000000 * (:codes - i + 300),
           CASE WHEN i % 3 THEN 0 ELSE 4 END,
           CASE WHEN i % 3 THEN :now - 1000000 * (:codes - i + 200) END
      FROM n"""


def start(program, folder, port):
    process = subprocess.Popen([program], cwd=folder, stderr=subprocess.DEVNULL)
    for _ in range(400):
        time.sleep(0.05)
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return process
        except OSError:
            pass
    sys.exit("the program did not start")


def stop(process):
    process.send_signal(signal.SIGTERM)
    process.wait(60)


def main(program):
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        with open(os.path.join(folder, "otp.toml"), "w") as settings:
            settings.write(f'[server]\nport = {port}\n[otp]\nretention = "0s"\n')
        stop(start(program, folder, port))
        with sqlite3.connect(os.path.join(folder, "otp.db")) as database:
            database.execute(FILL, {"codes": CODES, "now": int(time.time() * 1e6)})
        process = start(program, folder, port)
        try:
            measure(port, open(os.path.join(folder, "admin.token")).read().strip())
        finally:
            stop(process)


def measure(port, token):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def request(method, path, headers, body=None):
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer, answer.read()

    # The first change puts the codes into the search index.
    api = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
    answer, _ = request("POST", "/api/notifications/otp/", api, '{"code": 1, "mobile_number": "09123456789"}')
    assert answer.status == 201, answer.status
    form = {"Origin": f"http://127.0.0.1:{port}", "Content-Type": "application/x-www-form-urlencoded"}
    answer, _ = request("POST", "/console/sign-in", form, urlencode({"user": "admin", "token": token}))
    page = {"Cookie": answer.getheader("Set-Cookie").split(";")[0]}
    slow = []
    for path, limit in LIMITS_MS.items():
        took = []
        for _ in range(WARM_UP + REQUESTS):
            begun = time.perf_counter()
            answer, body = request("GET", path, page)
            took.append((time.perf_counter() - begun) * 1000)
            assert answer.status == 200 and b"</html>" in body, (path, answer.status)
        took = sorted(took[WARM_UP:])
        p50, p99 = took[REQUESTS // 2], took[REQUESTS * 99 // 100 - 1]
        print(f"{path}: p50 {p50:.1f} ms, p99 {p99:.1f} ms (limit {limit} ms)")
        if p99 > limit:
            slow.append(path)
    if slow:
        sys.exit(f"too slow with {CODES} codes: {', '.join(slow)}")


main(os.path.realpath(sys.argv[1]))
