"""Runs docs/fallback.md as it is printed, in a shell.

Usage: fallback.py OTPD. Ports 8080, 9101 and 9102 of 127.0.0.1 must be free.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

from blocks import blocks, first

DOCUMENT = pathlib.Path(__file__).parents[2] / "docs/fallback.md"
SECONDS = 120


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "gateway.py").write_text(first(DOCUMENT, "Gateways", "python"))
        (folder / "otp.toml").write_text(first(DOCUMENT, "Gateways", "toml"))
        (folder / "otpd").symlink_to(program)
        commands = [text for _, language, text in blocks(DOCUMENT) if language == "sh"]
        script = "".join(commands) + "kill %1 %2 %3\nwait\n"
        environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
        shell = subprocess.run(
            ["bash", "-m", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS
        )
    for expected in [
        "port 9101: a message for 09123456789",
        "port 9102: a message for 09123456789",
        '"state":"delivered"',
        '"provider":"first","outcome":"sent","provider_message_id":"9101"',
        '"status":"undelivered"',
        '"provider":"second","outcome":"sent","provider_message_id":"9102"',
        '"status":"delivered"',
        'otpd_delivery_reports_total{provider="first",status="undelivered"} 1',
        'otpd_delivery_reports_total{provider="second",status="delivered"} 1',
        'otpd_delivery_seconds_count{provider="second"} 1',
    ]:
        if expected not in shell.stdout:
            raise SystemExit(f"{expected!r} is missing in:\n{shell.stdout}\n{shell.stderr}")
    print("fallback passed")


main()
