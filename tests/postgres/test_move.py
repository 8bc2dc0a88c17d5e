"""`otpd move`, ended at random moments."""

import contextlib
import hashlib
import pathlib
import random
import signal
import sqlite3
import subprocess
import tempfile
import time

from common import CLIENTS, UNLIMITED, database, mobile, wait_until
from hosts import API, Host, number, psql, share

CODES = 3000
ROUNDS = 12
# Two of three moves are killed, and one is asked to stop.
SIGNALS = [signal.SIGKILL, signal.SIGKILL, signal.SIGTERM]
TABLES = """SELECT table_name FROM information_schema.tables
             WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1"""


def interrupted_moves(program):
    seed = random.randrange(1 << 32)
    moments = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        source = Host(program, None, UNLIMITED, folder=name)
        try:
            fill(source)
        finally:
            source.stop()
        url, there = to_postgres(source, moments, seed)
        back = to_sqlite(source, url, moments, seed)
    return f"seed {seed}; to PostgreSQL {there}; to SQLite {back}"


def fill(host):
    host.wait()
    host.token = host.admin_token()
    created = share(CLIENTS, range(CODES), lambda n, _: host.call("POST", API, {"code": n, "mobile_number": mobile(n)}))
    assert {answer.status for answer in created} == {201}, created
    sent = share(CLIENTS, range(CODES, CODES + 300), lambda n, _: host.send(mobile(n)))
    assert {answer.status for answer in sent} == {202}, sent


def to_postgres(source, moments, seed):
    """Returns the URL of a complete copy and what was seen."""
    def content():
        return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in source.folder.glob("otp.db*")}

    def codes_at(url):
        # The server may notice the end of the client a moment later.
        others = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'otpd' AND datname = current_database()"
        wait_until("the transaction ended", 10, lambda: number(psql(url, others)) == 0)
        if psql(url, "SELECT to_regclass('api_tokens') IS NULL") == [["t"]]:
            return 0
        users, tokens, codes = psql(url, "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM api_tokens), "
                                         "(SELECT count(*) FROM otp_codes)")[0]
        assert (users, tokens) == (("1", "1") if codes != "0" else ("0", "0")), (users, tokens, codes)
        return int(codes)

    return interrupted(source, moments, seed, database, content, codes_at)


def to_sqlite(source, url, moments, seed):
    """Returns what was seen."""
    source.environment["OTPD_DATABASE__URL"] = url
    folder = source.folder / "copies"
    folder.mkdir()
    names = iter(range(1000))

    def content():
        tables = [row[0] for row in psql(url, TABLES)]
        hashed = "md5(string_agg(md5(CAST(t AS text)), '' ORDER BY CAST(t AS text)))"
        return {table: psql(url, f"SELECT {hashed} FROM {table} AS t") for table in tables}

    def codes_at(file):
        if not pathlib.Path(file).exists():
            return 0
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            return db.execute("SELECT count(*) FROM otp_codes").fetchone()[0]

    seen = interrupted(source, moments, seed, lambda: f"{folder}/{next(names)}.db", content, codes_at)[1]
    leftovers = [file.name for file in folder.iterdir() if file.suffix != ".db"]
    assert not leftovers, f"a complete move leaves {leftovers}"
    return seen


def interrupted(source, moments, seed, new_target, content, codes_at):
    """Ends moves at random moments, each followed by a complete one. Returns the last target and what was seen."""
    def move(target):
        begun = time.monotonic()
        return source.command("move", "--to", target), time.monotonic() - begun

    before, complete = content(), 0
    # The first move is slower, because files are read that the next ones find in memory.
    assert move(new_target())[0].returncode == 0
    moved, seconds = move(new_target())
    assert moved.returncode == 0, moved
    for n in range(ROUNDS):
        target, delay = new_target(), moments.uniform(0, seconds * 1.25)
        where = f"round {n} of seed {seed}, {SIGNALS[n % 3].name} after {delay:.3f} of {seconds:.3f} s"
        process = subprocess.Popen([source.program, "move", "--to", target], cwd=source.folder, env=source.environment,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(delay)
        process.send_signal(SIGNALS[n % 3])
        process.wait(30)
        assert content() == before, f"the source changed: {where}"
        found = codes_at(target)
        assert found in (0, CODES + 300), f"{found} codes: {where}"
        again, took = move(target)
        if found:
            complete += 1
            assert again.returncode == 1, f"{again}: {where}"
            assert "is not empty" in again.stderr or "already exists" in again.stderr, f"{again}: {where}"
        else:
            assert again.returncode == 0, f"{again}: {where}"
            seconds = min(seconds, took)
        assert codes_at(target) == CODES + 300, where
    assert content() == before
    return target, f"{ROUNDS} of {seconds:.1f} s: {ROUNDS - complete} empty, {complete} complete"
