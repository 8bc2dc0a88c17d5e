"""Requests to otpd from many threads, and their outcomes."""

import http.client
import itertools
import json
import random
import threading
import time
from dataclasses import dataclass

# How long a client waits for an answer.
PATIENCE = 8
TOKEN = "failover-token-0123456789abcdefghijklm"
# The kinds of the threads, 16 in all.
THREADS = ["patch"] * 11 + ["read"] * 2 + ["send"] * 3
CODES = 200
FIXED_CODE = 482915


@dataclass
class Request:
    kind: str
    # The id of the code that a PATCH changes, and its new value.
    code: int
    value: int
    id: str
    process: int
    begun: float
    over: float = 0.0
    # The HTTP status, or the error of the connection.
    outcome: object = None

    @property
    def is_change(self):
        return self.kind != "read"

    @property
    def is_acknowledged(self):
        return self.outcome in (200, 202)

    @property
    def took(self):
        return self.over - self.begun


def recipient(thread):
    """The recipient to which a thread sends. It is a test recipient, so its code is known."""
    return f"load{thread}@example.com"


def request_id(number):
    """An id of letters. otpd masks ids that contain digits."""
    return "load-" + "".join("abcdefghij"[int(digit)] for digit in str(number))


class Client:
    """A connection to otpd. It is opened again after an error."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)

    def request(self, method, path, body=None, request_id=None):
        """Returns the status and the JSON of the answer."""
        headers = {"Authorization": f"Token {TOKEN}", "Content-Type": "application/json"}
        if request_id:
            headers["X-Request-ID"] = request_id
        try:
            self.connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = self.connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            raise


class Load:
    """Threads that send requests until the end. Requests are noted when they are over."""

    def __init__(self, ports, codes):
        self.ports, self.codes = ports, codes
        self.requests = []
        self.is_over = threading.Event()
        # Each PATCH writes a value of its own.
        self.values = itertools.count(random.randrange(10**8, 9 * 10**8))
        self.threads = [threading.Thread(target=self.work, args=(n, kind)) for n, kind in enumerate(THREADS)]

    def start(self):
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.is_over.set()
        for thread in self.threads:
            thread.join()

    def work(self, number, kind):
        process = number % len(self.ports)
        client = Client(self.ports[process])
        one = {"patch": self.patch, "read": self.read, "send": self.send_and_verify}[kind]
        while not self.is_over.is_set():
            is_acknowledged = one(client, process, number)
            time.sleep(0.005 if is_acknowledged else 0.05)

    def patch(self, client, process, _):
        code, value = random.choice(self.codes), next(self.values)
        body = {"code": value, "mobile_number": f"09{value:09}"}
        return self.ask(client, process, "patch", "PATCH", f"/api/notifications/otp/{code}", body, code, value)

    def read(self, client, process, _):
        code = random.choice(self.codes)
        return self.ask(client, process, "read", "GET", f"/api/notifications/otp/{code}", None, code)

    def send_and_verify(self, client, process, number):
        body = {"email": recipient(number)}
        if not self.ask(client, process, "send", "POST", "/api/notifications/otp/send", body):
            return False
        body["code"] = FIXED_CODE
        return self.ask(client, process, "verify", "POST", "/api/notifications/otp/verify", body)

    def ask(self, client, process, kind, method, path, body, code=0, value=0):
        """Sends a request and notes what became of it. Returns whether it was acknowledged."""
        request = Request(kind, code, value, request_id(next(self.values)), process, time.monotonic())
        try:
            request.outcome, _ = client.request(method, path, body, request.id)
        except (OSError, http.client.HTTPException) as error:
            request.outcome = repr(error)
        request.over = time.monotonic()
        self.requests.append(request)
        return request.is_acknowledged


def create_codes(port):
    """Creates the codes that are changed later. Returns their ids."""
    client = Client(port)
    ids = []
    for n in range(CODES):
        status, text = client.request("POST", "/api/notifications/otp/", {"code": n, "mobile_number": f"09{n:09}"})
        if status != 201:
            raise RuntimeError(f"creating a code: {status} {text}")
        ids.append(json.loads(text)["id"])
    return ids
