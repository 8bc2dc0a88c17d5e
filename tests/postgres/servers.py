"""Temporary PostgreSQL servers that tests restart, or that use TLS."""

import glob
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile


def newest_bin():
    folders = glob.glob("/usr/lib/postgresql/*/bin")
    assert folders, "PostgreSQL is not installed; install the Debian package postgresql"
    return max(folders, key=lambda folder: int(re.search(r"\d+", folder)[0]))


class PostgresServer:
    """A PostgreSQL server on localhost with the user otpd. It uses fsync, because a test kills it."""

    def __init__(self, password=None, files=(), settings=(), access=None):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.bin = newest_bin()
        self.port = free_port()
        (self.folder / "password").write_text(password or "none")
        for name, source in dict(files).items():
            shutil.copy(source, self.folder / name)
            (self.folder / name).chmod(0o600)
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root.
            for path in [self.folder, *self.folder.iterdir()]:
                shutil.chown(path, "postgres")
        data, method = self.folder / "data", "scram-sha-256" if password else "trust"
        self.run("initdb", "-D", data, "-U", "otpd", "-A", method, "--pwfile", self.folder / "password", "-E", "UTF8",
                 "--locale=C.UTF-8")
        if access:
            (data / "pg_hba.conf").write_text(access)
        options = {"port": self.port, "unix_socket_directories": self.folder, "listen_addresses": "localhost",
                   "max_connections": 100, **dict(settings)}
        with open(data / "postgresql.conf", "a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in options.items())
        self.control("start")

    def run(self, program, *arguments):
        user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        with open(self.folder / "output", "a") as output:
            ended = subprocess.run([*user, f"{self.bin}/{program}", *arguments], cwd="/", stdin=subprocess.DEVNULL,
                                   stdout=output, stderr=output, timeout=60)
        assert ended.returncode == 0, (self.folder / "output").read_text()

    def control(self, *arguments):
        self.run("pg_ctl", "-D", self.folder / "data", "-l", self.folder / "data/log", "-w", *arguments)

    def restart(self):
        """Restart as after a crash."""
        self.control("-m", "immediate", "restart")

    def close(self):
        self.control("-m", "immediate", "stop")
        shutil.rmtree(self.folder)


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, check=True, timeout=60)


def create_authority(folder, name):
    """Create NAME.pem and NAME.key, a certificate authority."""
    openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")


def create_certificate(folder, authority, host):
    """Create HOST.pem and HOST.key, the certificate of a server."""
    openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}", "-addext",
            "basicConstraints=critical,CA:FALSE", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key",
            "-keyout", f"{host}.key", "-out", f"{host}.pem")
