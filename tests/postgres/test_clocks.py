"""Two hosts whose clocks are wrong."""

import glob
import pathlib
import tempfile
import time
from datetime import datetime, timezone

from common import UNLIMITED, database, mobile, reasons
from hosts import running


def faked(seconds):
    """The environment of a process whose clock is wrong."""
    library = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    assert library, "install the Debian package faketime"
    return {"LD_PRELOAD": library[0], "FAKETIME": f"{seconds:+}s", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def seconds_until(timestamp):
    then = datetime.strptime(timestamp, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    return then.timestamp() - time.time()


def about(value, expected):
    assert abs(value - expected) <= 1.5, f"{value} instead of {expected}"


def clocks(program):
    variables = UNLIMITED | {
        "OTPD_OTP__EXPIRATION": "8s",
        "OTPD_OTP__RESEND_COOLDOWN": "2s",
        "OTPD_LIMITS__SENDS_PER_RECIPIENT_HOUR": "2",
    }
    own_variables = lambda n: faked(60 if n == 0 else -60)
    seen = []
    with running(program, database(), variables=variables, own_variables=own_variables) as hosts:
        for n, (first, second) in enumerate([hosts, hosts[::-1]]):
            sent = first.send(mobile(n))
            assert sent.status == 202, sent
            about(seconds_until(sent.json["valid_to"]), 8)
            for host in hosts:
                shown = host.code(sent.json["id"])
                about(shown["ttl"], 8)
                about(seconds_until(shown["created_at"]), 0)
            again = second.send(mobile(n))
            assert reasons([again]) == {(429, "too_soon"): 1}, again
            about(int(again.headers["Retry-After"]), 2)
            time.sleep(2.1)
            assert second.send(mobile(n)).status == 202
            time.sleep(2.1)
            limited = first.send(mobile(n))
            assert reasons([limited]) == {(429, "rate_limited"): 1}, limited
            about(int(limited.headers["Retry-After"]), 3600 - 4.2)
            assert second.verify(mobile(n), shown["code"]).status == 200
            expiring = first.send(mobile(10 + n)).json
            code = second.code(expiring["id"])["code"]
            time.sleep(8.1)
            for host in hosts:
                expired = host.verify(mobile(10 + n), code)
                assert reasons([expired]) == {(400, "expired"): 1}, expired
        for host, words in zip(hosts, ["ahead of", "behind"]):
            doctor = host.command("doctor")
            line = [line for line in doctor.stdout.splitlines() if "server clock" in line]
            assert doctor.returncode == 1 and f"the local clock is 60.0 s {words}" in line[0], doctor
            seen.append(line[0][6:].split(";")[0])
    return f"expiry, cooldown and limits of both are the server's; doctor: {', '.join(seen)}"


def clock_jump(program):
    """The clock of a running host is set by a minute, as by NTP."""
    seen = []
    with tempfile.TemporaryDirectory() as folder:
        clock = pathlib.Path(folder) / "clock"
        clock.write_text("+0s")
        own = faked(0) | {"FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1"}
        own.pop("FAKETIME")
        with running(program, database(), variables=UNLIMITED, own_variables=lambda n: own if n == 0 else {}) as hosts:
            for n, jump in enumerate(["+60s", "-60s"]):
                time.sleep(3)
                clock.write_text(jump)
                worst, until, k = 0, time.monotonic() + 5, 0
                while time.monotonic() < until:
                    sent = hosts[0].send(mobile(n * 1000 + k)).json
                    worst = max(worst, abs(seconds_until(sent["valid_to"]) - 300))
                    k += 1
                    time.sleep(0.25)
                seen.append(f"{jump}: {worst:.1f} s")
            assert all(float(one.split()[1]) <= 1.5 for one in seen), f"times wrong by up to {seen}"
    return f"times wrong by at most {', '.join(seen)}"
