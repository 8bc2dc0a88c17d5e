"""Processes of otpd for tests: they use one PostgreSQL database, and each has a folder of its own."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

START_SECONDS = 60
API = "/api/notifications/otp/"


class Answer:
    """A response: its status, its headers, and its body as text and as JSON."""

    def __init__(self, response):
        self.status, self.headers = response.status, response.headers
        self.text = response.read().decode()
        is_json = (self.headers.get("Content-Type") or "").startswith("application/json")
        self.json = json.loads(self.text) if is_json and self.text else None

    def __repr__(self):
        return f"{self.status} {self.text[:200]}"


class Host:
    """An otpd process. `variables` are added to its environment, `settings` is the text of its otp.toml."""

    def __init__(self, program, url, variables=(), settings="", folder=None):
        self.program = program
        self.temporary = tempfile.TemporaryDirectory() if folder is None else None
        self.folder = pathlib.Path(folder or self.temporary.name)
        if settings:
            (self.folder / "otp.toml").write_text(settings)
            (self.folder / "otp.toml").chmod(0o600)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("OTPD_")}
        self.environment = inherited | {"OTPD_SERVER__PORT": "0"} | dict(variables)
        if url:
            self.environment["OTPD_DATABASE__URL"] = url
        self.token = None
        with open(self.folder / "log", "a") as log:
            self.process = subprocess.Popen(
                [program], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def wait(self):
        """Wait until the process serves requests."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            listens = re.search(r"listens on http://127\.0\.0\.1:(\d+),", self.log())
            if listens:
                self.port = int(listens[1])
                with contextlib.suppress(OSError):
                    if self.call("GET", "/readyz").status == 200:
                        return self
            time.sleep(0.05)
        raise AssertionError(f"the process did not start: {self.log()}")

    def log(self):
        return (self.folder / "log").read_text()

    def admin_token(self):
        return (self.folder / "admin.token").read_text().strip()

    def call(self, method, path, body=None, key=None, token=None, timeout=30):
        headers = {"Content-Type": "application/json"}
        if token or self.token:
            headers["Authorization"] = f"Token {token or self.token}"
        if key:
            headers["Idempotency-Key"] = key
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def send(self, number, **options):
        return self.call("POST", f"{API}send", {"mobile_number": number}, **options)

    def verify(self, number, code):
        return self.call("POST", f"{API}verify", {"mobile_number": number, "code": code})

    def code(self, otp_id):
        """The stored code."""
        answer = self.call("GET", f"{API}{otp_id}")
        assert answer.status == 200, answer
        return answer.json

    def command(self, *arguments):
        """Run a command of otpd with the settings of this host."""
        command = [self.program, *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=60
        )

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        if self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def clean(self):
        self.stop()
        if self.temporary:
            self.temporary.cleanup()


def psql(url, sql):
    """The rows of a query, each a list of texts."""
    command = ["psql", "--no-psqlrc", "-v", "ON_ERROR_STOP=1", "-F", "\t", "-Atc", sql, url]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert shown.returncode == 0, shown.stderr
    return [line.split("\t") for line in shown.stdout.splitlines()]


def number(psql_rows):
    """The number that is the only value of the rows."""
    return int(psql_rows[0][0])


def create_database(server):
    """Create a database on the server with this URL. Returns the URL of the database."""
    name = f"otpd_{uuid.uuid4().hex[:12]}"
    psql(f"{server}/postgres", f"CREATE DATABASE {name}")
    return f"{server}/{name}"


@contextlib.contextmanager
def running(program, url, count=2, variables=(), settings="", own_variables=None, own_settings=None):
    """Run otpd processes on one database. `own_variables` and `own_settings` take the number of a process."""
    hosts = []
    try:
        for n in range(count):
            its_variables = dict(variables) | (own_variables(n) if own_variables else {})
            its_settings = settings + (own_settings(n) if own_settings else "")
            host = Host(program, url, its_variables, its_settings)
            hosts.append(host)
            host.wait()
            if (hosts[0].folder / "admin.token").exists():
                host.token = hosts[0].admin_token()
        yield hosts
        for host in hosts:
            assert "panicked" not in host.log(), host.log()
    except AssertionError as failure:
        logs = "".join(f"\nhost {n}: {last_warnings(host)}" for n, host in enumerate(hosts))
        raise AssertionError(f"{failure}{logs}") from failure
    finally:
        for host in hosts:
            host.clean()


def last_warnings(host):
    lines = [line for line in host.log().splitlines() if "WARN" in line or "ERROR" in line]
    return "\n  ".join(lines[-5:])


def at_once(count, work):
    """Run work(0), work(1) … at the same moment, each on a thread. Returns their results in this order."""
    start = threading.Barrier(count)

    def run(n):
        start.wait(30)
        return work(n)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def share(clients, items, work):
    """Run work(item, client) for all items with this many clients. Returns the results in the order of the items."""
    clients_of_threads, numbers = threading.local(), iter(range(clients))

    def run(item):
        if not hasattr(clients_of_threads, "number"):
            clients_of_threads.number = next(numbers)
        return work(item, clients_of_threads.number)

    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(run, items))
