"""Codes, limits and idempotency keys with two hosts."""

import time
import uuid
from collections import Counter

from common import CLIENTS, ROUNDS, UNLIMITED, database, mobile, reasons
from hosts import at_once, number, psql, running, share


def wrong_guesses(program):
    with running(program, database(), variables=UNLIMITED) as hosts:
        for n in range(ROUNDS):
            otp_id = hosts[n % 2].send(mobile(n)).json["id"]
            code = hosts[0].code(otp_id)["code"]
            guesses = at_once(CLIENTS, lambda k: hosts[k % 2].verify(mobile(n), wrong(code, k)))
            judged = [guess for guess in guesses if guess.status == 400]
            left = sorted(guess.json["attempts_left"] for guess in judged)
            assert left == [0, 1, 2, 3, 4], (n, guesses)
            kinds = reasons(guesses)
            assert kinds == {(400, "wrong_code"): 5, (429, "too_many_attempts"): CLIENTS - 5}, (n, kinds)
            for host in hosts:
                assert not host.code(otp_id)["is_allow"]
            assert hosts[n % 2].verify(mobile(n), code).status == 429
    return f"{ROUNDS} × {CLIENTS} guesses: 5 judged each time, with 4, 3, 2, 1 and 0 attempts left"


def wrong(code, n):
    return 100000 + (code - 100000 + 1 + n) % 900000


def right_codes(program):
    with running(program, database(), variables=UNLIMITED) as hosts:
        for n in range(ROUNDS):
            otp_id = hosts[n % 2].send(mobile(n)).json["id"]
            code = hosts[0].code(otp_id)["code"]
            kinds = reasons(at_once(CLIENTS, lambda k: hosts[k % 2].verify(mobile(n), code)))
            assert kinds == {(200, None): 1, (400, "used"): CLIENTS - 1}, (n, kinds)
            for host in hosts:
                assert not host.code(otp_id)["is_allow"]
    return f"{ROUNDS} × {CLIENTS} right codes: one success each time"


def limit_over_all_recipients(program):
    url = database()
    with running(program, url, variables=UNLIMITED | {"OTPD_LIMITS__SMS_PER_DAY": "300"}) as hosts:
        begun = time.monotonic()
        kinds = reasons(share(CLIENTS, range(600), lambda n, client: hosts[client % 2].send(mobile(n))))
        took = time.monotonic() - begun
        assert kinds == {(202, None): 300, (429, "rate_limited"): 300}, kinds
        assert number(psql(url, "SELECT count(*) FROM otp_codes")) == 300
        assert number(psql(url, "SELECT count(*) FROM messages")) == 300
        assert number(psql(url, "SELECT count(DISTINCT mobile_number) FROM otp_codes")) == 300
    return f"600 requests: 300 × 202 and 300 × 429 in {took:.1f} s"


def limit_of_failures(program):
    with running(program, database(), variables=UNLIMITED | {"OTPD_LIMITS__FAILURES_PER_TOKEN_HOUR": "100"}) as hosts:
        kinds = reasons(share(CLIENTS, range(300), lambda n, client: hosts[client % 2].verify(mobile(n), 123456)))
        assert kinds == {(400, "not_found"): 100, (429, "rate_limited"): 200}, kinds
    return "300 wrong codes: 100 judged"


def cooldown(program):
    url = database()
    with running(program, url, variables=UNLIMITED) as hosts:
        for n in range(ROUNDS):
            kinds = reasons(at_once(CLIENTS, lambda k: hosts[k % 2].send(mobile(n))))
            assert kinds == {(202, None): 1, (429, "too_soon"): CLIENTS - 1}, (n, kinds)
            assert number(psql(url, f"SELECT count(*) FROM otp_codes WHERE mobile_number = '{mobile(n)}'")) == 1
        assert number(psql(url, "SELECT count(*) FROM messages")) == ROUNDS
    return f"{ROUNDS} × {CLIENTS} requests for one recipient: one code and one message each time"


def idempotency_keys(program):
    url = database()
    with running(program, url, variables=UNLIMITED) as hosts:
        kinds = Counter()
        for n in range(50):
            key = uuid.uuid4().hex
            answers = at_once(4, lambda k: hosts[k % 2].send(mobile(n), key=key))
            kinds.update(answer.status for answer in answers)
            accepted = {answer.text for answer in answers if answer.status == 202}
            assert len(accepted) == 1 and {answer.status for answer in answers} <= {202, 409}, (n, answers)
            for host in hosts:
                assert {host.send(mobile(n), key=key).text} == accepted, n
        assert number(psql(url, "SELECT count(*) FROM otp_codes")) == 50
        assert number(psql(url, "SELECT count(*) FROM messages")) == 50
    return f"50 keys, 4 requests each: {kinds[202]} × 202 with equal bodies, {kinds[409]} × 409, 50 codes"
