"""First starts, TLS, and a restart of PostgreSQL."""

import os
import pathlib
import tempfile
import threading
import time
from collections import Counter

from common import UNLIMITED, database, mobile, wait_until
from hosts import API, Host, at_once, create_database, psql, running
from servers import PostgresServer, create_authority, create_certificate, free_port


def first_starts(program):
    for _ in range(3):
        url, hosts = database(), []
        try:
            hosts = at_once(6, lambda _: Host(program, url))
            for host in hosts:
                host.wait()
            holders = [host for host in hosts if (host.folder / "admin.token").exists()]
            assert len(holders) == 1, f"{len(holders)} files"
            drafts = [file.name for host in hosts for file in host.folder.glob(".admin*")]
            assert not drafts, drafts
            for host in hosts:
                assert host.call("GET", "/readyz").status == 200
                assert host.call("GET", API, token=holders[0].admin_token()).status == 200
                users = host.command("user", "list")
                assert users.returncode == 0 and len(users.stdout.splitlines()) == 1, users
                assert users.stdout.startswith("admin\tadmin\tactive"), users
        finally:
            for host in hosts:
                host.clean()
    return "3 × 6 starts: all serve, one admin, one token"


def several_addresses(program):
    """A host name has the addresses of a server that accepts changes and of one that does not. Needs root."""
    name, port = "db.test", free_port()
    addresses = ["127.0.0.2", "127.0.0.3"]
    with tempfile.TemporaryDirectory() as folder:
        hosts, wrapper = pathlib.Path(folder) / "hosts", pathlib.Path(folder) / "otpd"
        hosts.write_text("127.0.0.1 localhost\n" + "".join(f"{address} {name}\n" for address in addresses))
        inside = f'mount --bind {hosts} /etc/hosts && exec {program} "$@"'
        wrapper.write_text(f"#!/bin/sh\nexec unshare --mount sh -c '{inside}' sh \"$@\"\n")
        wrapper.chmod(0o755)
        for primary in addresses:
            servers = []
            try:
                for address in addresses:
                    read_only = "off" if address == primary else "on"
                    settings = {"port": port, "listen_addresses": address, "default_transaction_read_only": read_only}
                    servers.append(PostgresServer(settings=settings))
                    writing = "options=-c%20default_transaction_read_only%3Doff"
                    psql(f"postgres://otpd@{address}:{port}/postgres?{writing}", "CREATE DATABASE otp")
                url = f"postgres://otpd@{name}:{port}/otp?sslmode=disable"
                with running(str(wrapper), url, count=1) as (host,):
                    created = host.call("POST", API, {"code": 1, "mobile_number": mobile(1)})
                    assert created.status == 201, created
            finally:
                for server in servers:
                    server.close()
    return "the server that accepts changes was found behind either address"


def wrong_database(program):
    """A command does not create tables in a database that has none."""
    url, host = database(), Host(program, None)
    try:
        host.wait().stop()
        host.environment["OTPD_DATABASE__URL"] = url
        for command in [("user", "list"), ("audit",), ("backup", "copy.db"), ("move", "--to", "copy.db"), ("doctor",)]:
            refused = host.command(*command)
            output = refused.stdout + refused.stderr
            assert refused.returncode == 1 and "has no tables of otpd" in output, (command, refused)
        assert psql(url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [["0"]]
    finally:
        host.clean()
    return "5 commands refused, nothing created"


def tls(program):
    # Each contains characters that must be percent-encoded.
    password, other = "s3/cr:et@7f3kq9", "0ther@5e2hw8"
    encoded, other_encoded = "s3%2Fcr%3Aet%407f3kq9", "0ther%405e2hw8"
    outputs = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        create_authority(folder, "authority")
        create_authority(folder, "stranger")
        create_certificate(folder, "authority", "localhost")
        server = PostgresServer(
            password,
            files={"server.pem": folder / "localhost.pem", "server.key": folder / "localhost.key"},
            settings={"ssl": "on", "ssl_cert_file": "../server.pem", "ssl_key_file": "../server.key"},
            access="hostssl all all all scram-sha-256\n",
        )
        try:
            url = f"postgres://otpd:{encoded}@localhost:{server.port}/postgres?sslmode=verify-full"
            rooted = f"{url}&sslrootcert={folder}/authority.pem"
            trace = {"OTPD_LOG__LEVEL": "trace", "RUST_LOG": "trace"}
            (folder / "url").write_text(rooted + "\n")
            (folder / "url").chmod(0o600)
            of_file = trace | {"OTPD_DATABASE__URL_FILE": str(folder / "url")}
            token = None
            for its_url, variables in [(rooted, trace), (None, of_file)]:
                with running(program, its_url, count=1, variables=variables) as (host,):
                    token = token or host.token
                    created = host.call("POST", API, {"code": 1, "mobile_number": mobile(1)}, token=token)
                    assert created.status == 201, created
                    assert is_all_tls(server, password, folder)
                    for command in [("doctor",), ("config", "show"), ("config", "check"), ("user", "list")]:
                        shown = host.command(*command)
                        outputs += [shown.stdout, shown.stderr]
                        if command == ("doctor",):
                            assert "certificates are verified" in shown.stdout, shown
                        else:
                            assert shown.returncode == 0, shown
                    outputs.append(host.log())
            refused = {
                "another name": rooted.replace("@localhost", "@127.0.0.1"),
                "an unknown authority": f"{url}&sslrootcert={folder}/stranger.pem",
                "an authority that the system does not know": url,
                "a wrong password": rooted.replace(encoded, other_encoded),
                "no TLS": url.replace("verify-full", "disable"),
                "sslmode=require": rooted.replace("verify-full", "require"),
                "a password that is not encoded": rooted.replace(encoded, password),
            }
            causes = {}
            for what, its_url in refused.items():
                causes[what] = start_refused(program, its_url, outputs)
        finally:
            server.close()
    for text in outputs:
        for secret in [password, encoded, "7f3kq9", other, other_encoded, "5e2hw8"]:
            assert secret not in text, f"the password is in {text}"
    if os.environ.get("SHOW_CAUSES"):
        print(*(f"  {what}: {cause}" for what, cause in causes.items()), sep="\n")
    assert "127.0.0.1" in causes["another name"] and "certificate" in causes["another name"], causes
    for what in ["an unknown authority", "an authority that the system does not know"]:
        assert "UnknownIssuer" in causes[what] or "certificate" in causes[what], causes
    return f"verified; {len(refused)} refused; the password is in none of {len(outputs)} outputs"


def is_all_tls(server, password, folder):
    """Whether all connections of otpd use TLS, as the server sees it."""
    os.environ["PGPASSWORD"] = password
    url = f"postgres://otpd@localhost:{server.port}/postgres?sslmode=verify-full&sslrootcert={folder}/authority.pem"
    try:
        sql = """SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                 WHERE application_name = 'otpd'"""
        return psql(url, sql) == [["t"]]
    finally:
        del os.environ["PGPASSWORD"]


def start_refused(program, url, outputs):
    """The last line of a start that must fail."""
    host = Host(program, url)
    try:
        assert host.process.wait(40) != 0, host.log()
        for command in [("doctor",), ("config", "show"), ("config", "check"), ("user", "list")]:
            shown = host.command(*command)
            outputs += [shown.stdout, shown.stderr]
        outputs.append(host.log())
        return host.log().strip().splitlines()[-1]
    finally:
        host.clean()


def restarted_server(program):
    server = PostgresServer()
    try:
        url = create_database(f"postgres://otpd@localhost:{server.port}")
        with running(program, url, variables=UNLIMITED) as hosts:
            clients = [Patches(hosts[n % 2], n) for n in range(6)]
            for client in clients:
                client.start()
            back = []
            for _ in range(3):
                time.sleep(2)
                server.restart()
                restarted = time.monotonic()
                wait_until("both serve again", 5, lambda: all(c.last_success > restarted for c in clients))
                back.append(time.monotonic() - restarted)
            time.sleep(1)
            for client in clients:
                client.is_stopped = True
                client.join(30)
            statuses = sum((client.statuses for client in clients), Counter())
            assert set(statuses) <= {200, 503}, [statuses, [client.odd for client in clients]]
            for client in clients:
                stored = client.host.code(client.otp_id)["code"]
                assert stored in client.possible, (stored, client.possible)
    finally:
        server.close()
    seconds = ", ".join(f"{one:.1f} s" for one in back)
    return f"3 restarts: {statuses[200]} × 200, {statuses[503]} × 503; served after {seconds}"


class Patches(threading.Thread):
    """A client that changes and reads its code again and again."""

    def __init__(self, host, n):
        super().__init__(daemon=True)
        self.host, self.is_stopped, self.last_success = host, False, 0
        self.statuses, self.odd = Counter(), []
        self.otp_id = host.call("POST", API, {"code": 0, "mobile_number": mobile(n)}).json["id"]
        # The acknowledged code, and later ones of which the outcome is unknown.
        self.possible = [0]

    def run(self):
        code = 0
        while not self.is_stopped:
            code += 1
            begun = time.monotonic()
            changed = self.host.call("PATCH", f"{API}{self.otp_id}", {"code": code})
            if changed.status == 200:
                self.possible, self.last_success = [code], begun
            else:
                self.possible.append(code)
            read = self.host.call("GET", f"{API}{self.otp_id}")
            for answer in [changed, read]:
                self.statuses[answer.status] += 1
                if answer.status not in (200, 503):
                    self.odd.append(answer)
            if read.status == 200 and read.json["code"] not in self.possible:
                self.odd.append(f"{read} instead of {self.possible}")
                self.statuses["lost"] += 1
            time.sleep(0.01)
