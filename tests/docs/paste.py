"""Pastes the blocks of the README, from top to bottom, into two shells in a fresh clone.

Usage: paste.py CLONE terminal|plain. The first shell runs the first block, a server; the second one runs the others. With
`terminal` both shells are interactive in pseudo-terminals, with `plain` they have none.
"""

import fcntl
import os
import pathlib
import pty
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time

from blocks import blocks

BUILD_SECONDS = 1800
BLOCK_SECONDS = 90
# `.ci/run` runs the tests itself.
SKIPPED = "cargo test\n"
# What the output of the other blocks must contain, in this order.
EXPECTED = [
    ['"id":1,"code":255315,"mobile_number":"09123456789"'],
    ['"id":1,"code":255315,"mobile_number":null,"email":"some@email.com"'],
    ['{"count":1,'],
    ['{"status":"ok"}'],
    ['"resend_in":60}', '{"verified":true,"id":1,"recipient":"09123456789"}'],
    [],
]


class Shell:
    """A shell that reads what is pasted into it."""

    def __init__(self, folder, is_terminal):
        environment = {**os.environ, "TERM": "dumb", "PS1": "$ ", "HISTFILE": ""}
        if is_terminal:
            self.input, terminal = pty.openpty()
            # A wide window, so that no output is wrapped.
            fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 2000, 0, 0))
            ends, output = {"stdin": terminal, "stdout": terminal, "stderr": terminal}, self.input
            command = ["bash", "--norc", "--noprofile", "-i"]
        else:
            keyboard, self.input = os.pipe()
            output, screen = os.pipe()
            ends = {"stdin": keyboard, "stdout": screen, "stderr": screen}
            command = ["bash"]
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            start_new_session=True,
            preexec_fn=control_terminal if is_terminal else None,
            **ends,
        )
        for end in set(ends.values()):
            os.close(end)
        self.shown = ""
        threading.Thread(target=self.read, args=(output,), daemon=True).start()

    def read(self, output):
        while True:
            try:
                data = os.read(output, 65536)
            except OSError:  # a terminal is closed
                return
            if not data:
                return
            self.shown += data.decode(errors="replace")

    def paste(self, text):
        os.write(self.input, text.encode())

    def wait_for(self, text, since, seconds):
        """Wait until the shell has shown a text; what it has shown until then."""
        deadline = time.monotonic() + seconds
        while (at := self.shown.find(text, since)) < 0:
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise SystemExit(f"{text!r} was not shown:\n{self.shown}")
            time.sleep(0.05)
        return self.shown[since:at]

    def end(self):
        """End the shell and what it has started."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGHUP)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def control_terminal():
    """Make the terminal on stdin the one that controls this session, so that Ctrl-C reaches its programs."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def run(shell, number, block):
    """Paste a block and wait for its end; what it has shown."""
    since = len(shell.shown)
    # The quotes keep the echo of the command from looking like its output.
    shell.paste(f"{block}echo 'end of 'block {number}: $?\n")
    shown = shell.wait_for(f"end of block {number}: ", since, BLOCK_SECONDS)
    shell.wait_for("\n", since + len(shown), BLOCK_SECONDS)
    status = shell.shown[since + len(shown) :].split("\n")[0].rsplit(" ", 1)[1].strip()
    if status != "0":
        raise SystemExit(f"a block of the README failed with {status}:\n{block}\n{shown}")
    return shown


def require_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as cause:
            raise SystemExit(f"port {port} is in use, and the README needs it: {cause}") from cause


def paste(clone, is_terminal, server, reader):
    first, *others = [text for _, language, text in blocks(clone / "README.md") if language == "sh"]
    server.paste(first)
    server.wait_for("listens on http://127.0.0.1:8080", 0, BUILD_SECONDS)
    others.remove(SKIPPED)
    if len(others) != len(EXPECTED):
        raise SystemExit(f"the README has {len(others)} blocks to paste, and {len(EXPECTED)} are expected here")
    for number, (block, expected) in enumerate(zip(others, EXPECTED)):
        shown = run(reader, number, block)
        for text in expected:
            if text not in shown:
                raise SystemExit(f"{text} is not in the output of a block of the README:\n{block}\n{shown}")
    if (clone / "admin.token").exists() == is_terminal:
        raise SystemExit("admin.token must exist if and only if there is no terminal")


def main():
    clone, is_terminal = pathlib.Path(sys.argv[1]), sys.argv[2] == "terminal"
    for port in (8080, 8081):
        require_free(port)
    server, reader = Shell(clone, is_terminal), Shell(clone, is_terminal)
    try:
        paste(clone, is_terminal, server, reader)
        if is_terminal:
            server.paste("\x03")
            server.wait_for(" stopped", 0, 30)
    finally:
        reader.end()
        server.end()
    print(f"README pasted: {sys.argv[2]}")


main()
