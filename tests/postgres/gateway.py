"""An SMS gateway for a provider with `type = "http"`. It records all requests."""

import json
import random
import threading
import time
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Delivery:
    """A request of a host: when it began, and when it was answered (`None`: it was not)."""

    def __init__(self, host):
        self.host, self.begun, self.answered = host, time.monotonic(), None


class Server(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True

    def handle_error(self, *_):
        """The host was killed."""


class ChannelGateway:
    """A gateway for SMS and calls, which answers SMS with `sms_status`. It counts the requests that it accepts."""

    def __init__(self, sms_status):
        self.accepted, lock = {"sms": 0, "call": 0}, threading.Lock()
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                channel = self.path.strip("/")
                self.rfile.read(int(self.headers["Content-Length"]))
                status = sms_status if channel == "sms" else 200
                with lock:
                    gateway.accepted[channel] += status == 200
                self.send_response(status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def settings(self):
        url = f"http://127.0.0.1:{self.server.server_port}"
        body = "'{\"to\": \"{recipient}\", \"code\": \"{code}\"}'"
        return "".join(
            f'\n[[delivery.{channel}]]\ntype = "http"\nurl = "{url}/{channel}"\nbody = {body}\n'
            for channel in self.accepted
        )

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Gateway:
    """A running gateway. It answers while it is open, after 50 to 200 ms."""

    def __init__(self):
        self.deliveries = defaultdict(list)
        self.is_open = threading.Event()
        self.lock = threading.Lock()
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                gateway.handle(self)

            def log_message(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def handle(self, request):
        message = json.loads(request.rfile.read(int(request.headers["Content-Length"])))
        delivery = Delivery(host=int(request.path.strip("/")))
        with self.lock:
            self.deliveries[message["to"]].append(delivery)
        self.is_open.wait()
        time.sleep(random.uniform(0.05, 0.2))
        request.send_response(200)
        request.send_header("Content-Length", "2")
        request.end_headers()
        request.wfile.write(b"{}")
        delivery.answered = time.monotonic()

    def settings(self, host):
        """The settings with which a host uses this gateway."""
        return f"""
[[delivery.sms]]
type = "http"
url = "http://127.0.0.1:{self.server.server_port}/{host}"
body = '{{"to": "{{recipient}}", "code": "{{code}}"}}'
timeout = "60s"
"""

    def delivered(self):
        """The numbers that got a message, each with its requests."""
        with self.lock:
            return {number: list(deliveries) for number, deliveries in self.deliveries.items()}

    def close(self):
        self.is_open.set()
        self.server.shutdown()
        self.server.server_close()
