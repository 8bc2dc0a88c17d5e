"""The messages of two hosts, of which one is interrupted."""

import signal
import threading
import time
import uuid

from common import CLIENTS, UNLIMITED, database, mobile, wait_until
from gateway import ChannelGateway, Gateway
from hosts import API, psql, running, share


def send_until_accepted(hosts, n):
    """Send a message through a host, or through the other one if the first one does not accept it."""
    key, deadline = uuid.uuid4().hex, time.monotonic() + 60
    while time.monotonic() < deadline:
        for host in hosts if n % 2 else hosts[::-1]:
            try:
                answer = host.send(mobile(n), key=key, timeout=5)
            except OSError:
                continue
            if answer.status == 202:
                return
            # 408: the host was suspended while it read the request.
            assert answer.status in (408, 409, 503), answer
        time.sleep(0.2)
    raise AssertionError(f"message {n} was not accepted")


def sending(url):
    """The numbers whose messages are stored as being sent."""
    sql = "SELECT mobile_number FROM messages m JOIN otp_codes c ON c.id = m.otp_id WHERE m.state = 'sending'"
    rows = psql(url, sql)
    return {row[0] for row in rows}


STOPS = 10
# How long a suspended host stands still, in seconds.
SUSPENDED = 15
IS_HELD = "SELECT holder <> '' FROM outbox_lease"
WAITING = "SELECT id FROM messages WHERE state IN ('queued', 'sending')"
ESCALATES = " OR (escalate_at IS NOT NULL AND next_channels <> '')"


CALLS = 5


def limit_of_calls(program):
    """Messages that go from SMS to calls do not exceed the daily limit of calls: after a refusal, and after a wait."""
    seen = []
    for what, sms_status, escalate_after in [("refused", 400, "60s"), ("not confirmed", 200, "5s")]:
        gateway = ChannelGateway(sms_status)
        settings = f'[delivery]\nescalate_after = "{escalate_after}"\n{gateway.settings()}'
        variables = UNLIMITED | {"OTPD_LIMITS__CALLS_PER_DAY": str(CALLS), "OTPD_DELIVERY__ALLOW_INBOX": "false"}
        url = database()
        try:
            with running(program, url, variables=variables, settings=settings) as hosts:
                send = lambda n, _: hosts[n % 2].call("POST", f"{API}send", {"mobile_number": mobile(n), "channel": ["sms", "call"]})
                statuses = {answer.status for answer in share(CLIENTS, range(60), send)}
                assert statuses == {202}, statuses
                wait_until("no message waits", 30, lambda: not psql(url, WAITING + ESCALATES))
                time.sleep(1)
        finally:
            gateway.close()
        assert gateway.accepted["call"] == CALLS, gateway.accepted
        seen.append(f"{what}: {gateway.accepted['call']} calls of 60 messages")
    return "; ".join(seen)


def interrupted_deliverer(program, interrupt):
    """Sends 1,000 messages, 300 of them while `interrupt` acts on the host that delivers.

    Returns the numbers that got two messages, and what was seen.
    """
    url, gateway = database(), Gateway()
    try:
        with running(program, url, variables=UNLIMITED, own_settings=gateway.settings) as hosts:
            share(CLIENTS, range(700), lambda n, _: send_until_accepted(hosts, n))
            gateway.is_open.set()
            wait_until("200 messages", 30, lambda: len(gateway.delivered()) >= 200)
            deliverer = {one.host for of_one in gateway.delivered().values() for one in of_one}
            assert len(deliverer) == 1, deliverer
            accept = lambda n, _: send_until_accepted(hosts, n)
            late = threading.Thread(target=share, args=(8, range(700, 1000), accept))
            late.start()
            # Answers wait a little, so that many messages are in flight.
            gateway.is_open.clear()
            time.sleep(0.5)
            victim = hosts[deliverer.pop()]
            interrupt(victim)
            at = time.monotonic()
            gateway.is_open.set()
            # A COMMIT that was sent before is carried out.
            time.sleep(0.5)
            in_flight = sending(url)
            late.join(90)
            wait_until("no message waits", 60, lambda: not psql(url, WAITING))
            # A suspended host has gone on for some seconds.
            time.sleep(max(2, at + SUSPENDED + 5 - time.monotonic()))
            delivered = gateway.delivered()
            requests = [one for of_one in delivered.values() for one in of_one]
            pause = min(one.begun for one in requests if hosts[one.host] is not victim) - at
            states = psql(url, "SELECT state, count(*) FROM messages GROUP BY state")
    finally:
        gateway.close()
    assert set(delivered) == {mobile(n) for n in range(1000)}, f"{len(delivered)} delivered"
    assert states == [["sent", "1000"]], states
    twice = {number for number, deliveries in delivered.items() if len(deliveries) > 1}
    assert all(len(deliveries) <= 2 for deliveries in delivered.values())
    assert twice <= in_flight and len(in_flight) <= 32, (len(in_flight), twice - in_flight)
    for one in twice:
        first = delivered[one][0]
        assert hosts[first.host] is victim
        assert first.answered is None or first.answered > at - 1, "a message was sent again long after its answer"
    counts = f"1,000 messages, {len(in_flight)} in flight, {len(twice)} sent twice"
    return twice, f"{counts}; the other host began after {pause:.1f} s"


def killed_deliverer(program):
    _, seen = interrupted_deliverer(program, lambda host: host.signal(signal.SIGKILL))
    return seen


def suspended_deliverer(program):
    def suspend(host):
        host.signal(signal.SIGSTOP)
        threading.Timer(SUSPENDED, host.signal, [signal.SIGCONT]).start()

    _, seen = interrupted_deliverer(program, suspend)
    return seen


def stopped_deliverer(program):
    """A stop by SIGTERM, as in an upgrade of one host after the other."""
    twice, seen = interrupted_deliverer(program, lambda host: host.signal(signal.SIGTERM))
    assert not twice, f"sent twice: {twice}"
    return seen


def right_after_stops(program):
    """A host that stops gives up the right to deliver, so the other one need not wait for its end."""
    url, kept = database(), 0
    for _ in range(STOPS):
        with running(program, url, count=1) as (host,):
            wait_until("the right to deliver", 15, lambda: psql(url, IS_HELD) == [["t"]])
            host.stop()
            kept += psql(url, IS_HELD) == [["t"]]
            psql(url, "UPDATE outbox_lease SET holder = '', until = 0")
    assert kept == 0, f"{kept} of {STOPS} hosts that ended have kept the right"
    return f"{STOPS} stops: the right was free each time"


def delay_of_messages(program):
    """A message does not wait longer if the host that accepted it does not deliver."""
    gateway = Gateway()
    gateway.is_open.set()
    waits = [[], []]
    try:
        with running(program, database(), variables=UNLIMITED, own_settings=gateway.settings) as hosts:
            for n in range(20):
                begun = time.monotonic()
                assert hosts[n % 2].send(mobile(n)).status == 202
                wait_until("the message", 10, lambda: mobile(n) in gateway.delivered())
                waits[n % 2].append(gateway.delivered()[mobile(n)][0].begun - begun)
                time.sleep(0.37)
    finally:
        gateway.close()
    longest = [max(waits[0]), max(waits[1])]
    assert max(longest) < 2, f"waited up to {longest[0]:.2f} s and {longest[1]:.2f} s"
    return f"at most {longest[0]:.2f} s through the delivering host and {longest[1]:.2f} s through the other one"
