"""Runs the examples for Python and Node of docs/integrations.md as they are printed.

Usage: logins.py OTPD. Each example asks for a number and a code; the code comes from the development inbox.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from blocks import first

DOCUMENT = pathlib.Path(__file__).parents[2] / "docs/integrations.md"
EXAMPLES = [
    ("Python", "python", "login.py", [sys.executable], "+98 912 345 6789", "09123456789"),
    ("Node", "js", "login.mjs", ["node"], "۰۹۳۵ ۱۲۳ ۴۵۶۷", "09351234567"),
]
SECONDS = 60


def otpd(program, folder, *arguments):
    return subprocess.run([program, *arguments], cwd=folder, capture_output=True, text=True, check=True, timeout=SECONDS).stdout


def wait_for(description, find):
    deadline = time.monotonic() + SECONDS
    while not (found := find()):
        if time.monotonic() > deadline:
            raise SystemExit(f"no {description} within {SECONDS} s")
        time.sleep(0.1)
    return found


def run(program, folder, url, token, example):
    section, language, name, interpreter, number, recipient = example
    path = folder / name
    path.write_text(first(DOCUMENT, section, language))
    environment = {**os.environ, "OTPD_URL": url, "OTPD_TOKEN": token, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [*interpreter, path], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as login:
        try:
            login.stdin.write(f"{number}\n")
            code = wait_for(
                f"code for {section}",
                lambda: re.search(f"to {recipient}\n.*?([0-9]{{6}})$", otpd(program, folder, "inbox"), re.M),
            )[1]
            wrong = "100000" if code != "100000" else "100001"
            output, _ = login.communicate(f"{wrong}\n{code}\n", timeout=SECONDS)
        finally:
            login.kill()
    expected = f"Mobile number: Code: This is not the right code. Try again.\nCode: Logged in as {recipient}\n"
    if login.returncode != 0 or output != expected:
        raise SystemExit(f"{name} ended with {login.returncode} and showed:\n{output}")
    print(f"example passed: {name}")


def main():
    program = str(pathlib.Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        log = folder / "log"
        # The server and `otpd inbox` need the same settings.
        os.environ.update({"OTPD_SERVER__PORT": "0", "OTPD_DELIVERY__ALLOW_INBOX": "true"})
        with log.open("w") as stderr:
            server = subprocess.Popen([program], cwd=folder, stderr=stderr)
        try:
            url = wait_for("server", lambda: re.search("listens on ([^,]+),", log.read_text()))[1]
            token = otpd(program, folder, "user", "add", "shop", "--role", "staff", "--permission", "send,verify").strip()
            for example in EXAMPLES:
                run(program, folder, url, token, example)
        finally:
            server.terminate()
            server.wait(SECONDS)


main()
