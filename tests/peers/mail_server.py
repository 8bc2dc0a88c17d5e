"""A real SMTP server for tests: mail_server.py FOLDER SECURITY [USER PASSWORD].

SECURITY is none, starttls or tls; certificate and key are cert.pem and key.pem in FOLDER. Every mail becomes a file in
FOLDER, TIME-PORT.eml. The beginning of the recipient selects a failure:

- unknown: the recipient is rejected
- policy: the sender is rejected
- later: a temporary rejection
- tarpit: no reply to the recipient
- drop: the connection is reset at the recipient
- slow: no reply to the mail
- lost: the connection is reset after the mail
- bye: the mail is accepted, and the connection is closed afterwards
"""

import asyncio
import pathlib
import ssl
import sys
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

folder, security = pathlib.Path(sys.argv[1]), sys.argv[2]
login = sys.argv[3:5]


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("unknown"):
            return "550 5.1.1 no such user here: " + address
        if address.startswith("policy"):
            return "550 5.7.1 this sender may not send to " + address
        if address.startswith("tarpit"):
            await asyncio.sleep(30)
        if address.startswith("drop"):
            server.transport.abort()
        if address.startswith("later"):
            return "451 4.7.1 greylisted, try later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if envelope.rcpt_tos[0].startswith("lost"):
            server.transport.abort()
            return "250 OK"
        if envelope.rcpt_tos[0].startswith("slow"):
            await asyncio.sleep(30)
        (folder / f"{time.time_ns()}-{session.peer[1]}.eml").write_bytes(envelope.content)
        if envelope.rcpt_tos[0].startswith("bye"):
            asyncio.get_running_loop().call_later(0.05, server.transport.close)
        return "250 OK queued"


def authenticate(server, session, envelope, mechanism, data):
    given = [data.login.decode(), data.password.decode()] if hasattr(data, "login") else []
    return AuthResult(success=given == login, handled=False)


def context():
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return made


options = {}
if login:
    options |= {"authenticator": authenticate, "auth_required": True, "auth_require_tls": security == "starttls"}
if security == "starttls":
    options |= {"tls_context": context(), "require_starttls": True}
if security == "tls":
    options |= {"ssl_context": context()}
controller = Controller(Handler(), hostname="127.0.0.1", port=0, **options)
# The controller connects to its own port when it starts, and cannot do that with port 0. So a free port is chosen here.
import socket

free = socket.socket()
free.bind(("127.0.0.1", 0))
controller.port = free.getsockname()[1]
free.close()
controller.start()
print(controller.port, flush=True)
sys.stdin.read()
controller.stop()
