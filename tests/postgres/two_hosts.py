"""Two otpd processes on one PostgreSQL database, and moves to and from it.

Usage: with-server python3 two_hosts.py OTPD [TEST…]. Without a name, all tests run. Needs faketime and openssl.
"""

import os
import sys
import time
import traceback

import test_clocks
import test_codes
import test_move
import test_outbox
import test_servers

TESTS = [
    test_codes.wrong_guesses,
    test_codes.right_codes,
    test_codes.limit_over_all_recipients,
    test_codes.limit_of_failures,
    test_codes.cooldown,
    test_codes.idempotency_keys,
    test_outbox.limit_of_calls,
    test_outbox.delay_of_messages,
    test_outbox.killed_deliverer,
    test_outbox.suspended_deliverer,
    test_outbox.stopped_deliverer,
    test_outbox.right_after_stops,
    test_clocks.clocks,
    test_clocks.clock_jump,
    test_move.interrupted_moves,
    test_servers.first_starts,
    test_servers.several_addresses,
    test_servers.wrong_database,
    test_servers.tls,
    test_servers.restarted_server,
]


def main():
    program, names = os.path.realpath(sys.argv[1]), sys.argv[2:]
    has_failed = False
    for test in TESTS:
        if names and test.__name__ not in names:
            continue
        begun = time.monotonic()
        try:
            seen = test(program)
            print(f"ok {test.__name__} ({seen}) {time.monotonic() - begun:.0f} s", flush=True)
        except Exception as failure:
            has_failed = True
            print(f"FAILED {test.__name__}: {failure}", flush=True)
            if not isinstance(failure, AssertionError):
                traceback.print_exc()
    sys.exit(1 if has_failed else 0)


main()
