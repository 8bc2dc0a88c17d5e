"""What the tests with two hosts have in common."""

import os
import time
from collections import Counter

from hosts import create_database

CLIENTS = 32
ROUNDS = 20
# The settings of tests that are not about limits. Messages go to the development inbox.
UNLIMITED = {
    "OTPD_LIMITS__SENDS_PER_TOKEN_MINUTE": "0",
    "OTPD_LIMITS__FAILURES_PER_TOKEN_HOUR": "0",
    "OTPD_DELIVERY__ALLOW_INBOX": "true",
}


def database():
    return create_database(os.environ["OTPD_TEST_POSTGRES"])


def mobile(n):
    return f"0912{n:07}"


def reasons(answers):
    """How many answers of each kind there are."""
    return Counter((answer.status, (answer.json or {}).get("reason")) for answer in answers)


def wait_until(what, seconds, is_true):
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)
