"""Measures otpd on PostgreSQL beside pgbench, which executes the same statements.

Usage: benches/postgres.py OTPD-BINARY [ROUNDS]

It needs PostgreSQL 14 or newer (the Debian package), wrk and 2 GB of disk. The server syncs every commit. All programs
run on this machine, on 127.0.0.1. One round measures each figure once, so that the figures of a ratio share their
circumstances; the medians of the rounds are printed.
"""

import hashlib
import json
import os
import re
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROWS = 20_000
# Codes to be verified in one round.
CODES = 100_000
SECONDS = 8
TOKEN = "a-token-for-the-measurement-0123456789"
CLIENTS = 32
BIN = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))[-1]

# What a PATCH of one code sends: the look-up of the token and its permissions, then the transaction. A prepared statement
# has one command, so the settings of the transaction are one SELECT here; otpd sends them with BEGIN. otpd sends fewer
# look-ups if many requests have the same token, because concurrent requests share them.
PGBENCH = """
\\set id random(1, {rows})
\\set number random(100000000, 999999999)
\\set digits random(100000000, 999999999)
SELECT t.id AS token_id, t.hash, t.prefix, t.last_used_at, t.expires_at, u.id AS user_id, u.name AS user_name, u.role, u.is_active, p.code AS permission
  FROM api_tokens AS t JOIN users AS u ON u.id = t.user_id LEFT JOIN user_permissions AS p ON p.user_id = u.id
 WHERE t.hash = decode('{hash}', 'hex');
BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
SELECT set_config('statement_timeout', '3s', true), set_config('lock_timeout', '3s', true),
       set_config('idle_in_transaction_session_timeout', '5s', true), set_config('client_min_messages', 'warning', true),
       set_config('enable_seqscan', 'off', true),
       CASE WHEN current_setting('synchronous_commit') IN ('off', 'local', 'remote_write') THEN set_config('synchronous_commit', 'on', true) END;
SELECT o.id, o.code, o.mobile_number, o.email, o.purpose, o.valid_to, o.issued_at, o.sent_at, o.attempts_left, o.consumed_at,
       o.created_at, o.updated_at, o.checksum, (SELECT value FROM checksum_seed WHERE id = 1) AS seed
  FROM otp_codes AS o WHERE o.id = :id FOR UPDATE;
UPDATE otp_codes SET mobile_number = '09' || :digits, email = NULL, valid_to = 4102444800000000 + :number,
       updated_at = created_at + :number, checksum = :number
 WHERE id = :id;
INSERT INTO audit_events (at, actor_kind, actor_name, token_prefix, action, otp_id, recipient, recipient_hash,
       former_recipient_hash, changes, request_id, address)
VALUES (:number, 'user', 'admin', 'a-token', 'otp.update', :id, '0912***1234', :number, :number,
       '{{"mobile_number":["0912***1234","0912***5678"]}}', '0123456789abcdef', '127.0.0.1');
COMMIT;
"""

PATCHES = """
math.randomseed(os.time())
request = function()
  local body = string.format('{{"mobile_number":"09%09d"}}', math.random(100000000, 999999999))
  return wrk.format("PATCH", "/api/notifications/otp/" .. math.random(1, {rows}), nil, body)
end
"""

# Each thread of wrk has numbers of its own.
THREADS = """
local threads = 0
setup = function(thread)
  thread:set("n", {first} + threads)
  threads = threads + 1
end
"""

SENDS = THREADS + """
request = function()
  n = n + 2
  return wrk.format("POST", "/api/notifications/otp/send/", nil, string.format('{{"mobile_number":"091%08d"}}', n))
end
"""

# The codes of `fill`, each of which is accepted once.
VERIFIES = THREADS + """
request = function()
  n = n + 2
  return wrk.format("POST", "/api/notifications/otp/verify/", nil, string.format('{{"mobile_number":"090%08d","code":255315}}', n))
end
"""

def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def as_postgres(command):
    """PostgreSQL refuses to run as root."""
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else command


def start_server(folder, port):
    data = f"{folder}/data"
    subprocess.run(as_postgres([BIN / "initdb", "-D", data, "-A", "trust", "-U", "otpd", "-E", "UTF8", "--locale=C.UTF-8"]), check=True, stdout=subprocess.DEVNULL)
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c shared_buffers=512MB -c max_wal_size=4GB"
    subprocess.run(as_postgres([BIN / "pg_ctl", "-D", data, "-o", options, "-l", f"{folder}/log", "-w", "start"]), check=True, stdout=subprocess.DEVNULL)


def sql(port, text, database="postgres"):
    subprocess.run(["psql", "-qX", "-h", "127.0.0.1", "-p", str(port), "-U", "otpd", "-d", database, "-v", "ON_ERROR_STOP=1", "-c", text], check=True, stdout=subprocess.DEVNULL)


def start_otpd(otpd, folder, database, port):
    """Starts otpd on the PostgreSQL server at this port, or on SQLite if it is None."""
    environment = {
        "PATH": os.environ["PATH"],
        "OTPD_SERVER__PORT": str(port),
        "OTPD_AUTH__BOOTSTRAP_TOKEN": TOKEN,
        "OTPD_LOG__LEVEL": "error",
        "OTPD_DELIVERY__ALLOW_INBOX": "true",
        "OTPD_LIMITS__SENDS_PER_TOKEN_MINUTE": "100000000",
        "OTPD_LIMITS__SMS_PER_DAY": "100000000",
    }
    if database:
        environment["OTPD_DATABASE__URL"] = f"postgres://otpd@127.0.0.1:{database}/otpd"
    Path(folder, "otp.toml").write_text('[[delivery.sms]]\nname = "inbox"\ntype = "inbox"\n')
    process = subprocess.Popen([otpd, "--config", f"{folder}/otp.toml", "serve"], env=environment, cwd=folder)
    for _ in range(200):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1):
                return process
        except OSError:
            time.sleep(0.1)
    raise SystemExit("otpd does not start")


def stop(process):
    process.send_signal(signal.SIGTERM)
    process.wait(30)


def load(folder, port, script, clients):
    """Requests per second. An answer other than 2xx ends the measurement."""
    path = Path(folder, "load.lua")
    headers = f'wrk.headers["Authorization"] = "Token {TOKEN}"\nwrk.headers["Content-Type"] = "application/json"\n'
    done = 'done = function(s) io.write("statuses " .. s.errors.status .. "\\n") end\n'
    path.write_text(headers + script + done)
    command = ["wrk", "-t2", f"-c{clients}", f"-d{SECONDS}s", "-s", path, f"http://127.0.0.1:{port}"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Socket errors" in output or "\nstatuses 0\n" not in output:
        raise SystemExit(output)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1])


def pgbench(folder, port, clients):
    path = Path(folder, "patch.sql")
    path.write_text(PGBENCH.format(rows=ROWS, hash=hashlib.sha256(TOKEN.encode()).hexdigest()))
    command = ["pgbench", "-n", "-M", "prepared", "-h", "127.0.0.1", "-p", str(port), "-U", "otpd", "-f", path, "-c", str(clients), "-j", "2", "-T", str(SECONDS), "plain"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(re.search(r"tps = ([\d.]+)", output)[1])


CODES_TO_VERIFY = """
    INSERT INTO otp_codes (code, mobile_number, valid_to, created_at, updated_at)
    SELECT 255315, '090' || substr(CAST(100000000 + n + {first} AS TEXT), 2), 4102444800000000, 0, 0 FROM {series}"""


def fill(port):
    sql(port, f"""INSERT INTO otp_codes (code, mobile_number, valid_to, created_at, updated_at)
                  SELECT 255315, '09' || (200000000 + n * 7919 % 699999999), 4102444800000000, 0, 0 FROM generate_series(1, {ROWS}) AS n""", "otpd")
    sql(port, "VACUUM ANALYZE", "otpd")


def measure(folder, port, database, rounds):
    figures = {}
    # While both databases have the same codes.
    for _ in range(rounds):
        for name, figure in [
            ("pgbench, 32 clients", lambda: pgbench(folder, database, CLIENTS)),
            ("PATCH, 32 connections", lambda: load(folder, port, PATCHES.format(rows=ROWS), CLIENTS)),
            ("pgbench, 8 clients", lambda: pgbench(folder, database, 8)),
            ("PATCH, 8 connections", lambda: load(folder, port, PATCHES.format(rows=ROWS), 8)),
        ]:
            figures.setdefault(name, []).append(figure())
    for n in range(rounds):
        sql(database, CODES_TO_VERIFY.format(first=n * CODES, series=f"generate_series(1, {CODES}) AS n"), "otpd")
        sql(database, "VACUUM ANALYZE otp_codes", "otpd")
        for name, figure in [
            ("send, 32 connections", lambda: load(folder, port, SENDS.format(first=n * CODES), CLIENTS)),
            ("verify, 32 connections", lambda: load(folder, port, VERIFIES.format(first=n * CODES), CLIENTS)),
        ]:
            figures.setdefault(name, []).append(figure())
    return figures


def measure_sqlite(otpd, rounds):
    """The same sends and verifications on SQLite."""
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        process = start_otpd(otpd, folder, None, port)
        try:
            for n in range(rounds):
                series = f"(WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {CODES}) SELECT n FROM s)"
                with sqlite3.connect(f"{folder}/otp.db", timeout=60) as database:
                    database.execute(CODES_TO_VERIFY.format(first=n * CODES, series=series))
                for name, script in [("send", SENDS), ("verify", VERIFIES)]:
                    rate = load(folder, port, script.format(first=n * CODES), CLIENTS)
                    figures.setdefault(f"SQLite: {name}, 32 connections", []).append(rate)
        finally:
            stop(process)
    return figures


def main():
    otpd, rounds = Path(sys.argv[1]).resolve(), int((sys.argv[2:] or ["3"])[0])
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        database, port = free_port(), free_port()
        start_server(folder, database)
        sql(database, "CREATE DATABASE otpd")
        process = None
        try:
            process = start_otpd(otpd, folder, database, port)
            fill(database)
            stop(process)
            # pgbench writes no valid checksums, so it has a copy of the database.
            sql(database, "CREATE DATABASE plain TEMPLATE otpd")
            process = start_otpd(otpd, folder, database, port)
            figures = measure(folder, port, database, rounds)
        finally:
            if process:
                stop(process)
            subprocess.run(as_postgres([BIN / "pg_ctl", "-D", f"{folder}/data", "-m", "fast", "stop"]), stdout=subprocess.DEVNULL)
    figures |= measure_sqlite(otpd, rounds)
    for name, values in figures.items():
        print(f"| {name} | {statistics.median(values):,.0f} |", json.dumps([round(value) for value in values]))
    for clients in (32, 8):
        pairs = zip(figures[f"PATCH, {clients} connections"], figures[f"pgbench, {clients} clients"])
        ratios = [patch / plain for patch, plain in pairs]
        print(f"PATCH at {clients} / the same statements in pgbench: {statistics.median(ratios):.2f}")


main()
