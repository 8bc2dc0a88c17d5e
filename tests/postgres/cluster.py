"""A primary PostgreSQL server in a network namespace of its own, its synchronous standby, and what may happen to them.

Needs root and Linux. The servers run as the user postgres.
"""

import os
import shutil
import signal
import subprocess
import tempfile

from common import wait_until
from servers import free_port, newest_bin

PRIMARY_PORT = 5432
# A hardware address that no network interface has.
NOBODY = "02:00:00:00:00:01"


def run(*command, cwd="/"):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    return done.stdout


class Cluster:
    """A running primary with its standby. Only one cluster per process of the test."""

    def __init__(self):
        self.bin = newest_bin()
        self.folder = tempfile.mkdtemp(prefix="failover-")
        shutil.chown(self.folder, "postgres")
        # The names of interfaces have at most 15 characters. 198.18.0.0/15 is reserved for tests.
        self.namespace, self.outside, self.inside = (f"{name}{os.getpid()}" for name in ("pg", "vo", "vi"))
        network = f"198.18.{os.getpid() % 256}"
        self.outside_address, self.primary_address = f"{network}.1", f"{network}.2"
        self.standby_port = free_port()

    def start(self):
        self.connect_namespace()
        self.as_postgres("initdb", "-D", f"{self.folder}/primary", "-A", "trust", "-U", "otpd", "-E", "UTF8",
                         "--locale=C.UTF-8")
        with open(f"{self.folder}/primary/pg_hba.conf", "a") as rules:
            for database in ("all", "replication"):
                rules.write(f"host {database} all 198.18.0.0/16 trust\n")
        self.start_server("primary", PRIMARY_PORT, self.primary_address, "*", within=self.namespace)
        self.as_postgres("pg_basebackup", "-D", f"{self.folder}/standby", "-R", "-c", "fast", "-U", "otpd",
                         "-h", self.primary_address, "-p", str(PRIMARY_PORT))
        self.start_standby()
        self.wait_for_standby()
        self.as_postgres("createdb", "-h", self.folder, "-p", str(PRIMARY_PORT), "-U", "otpd", "otpd")

    def start_server(self, name, port, address, synchronous, within=None):
        options = (f"-p {port} -k {self.folder} -c listen_addresses={address} -c fsync=on -c synchronous_commit=on"
                   f" -c synchronous_standby_names='{synchronous}' -c dynamic_shared_memory_type=mmap")
        data = f"{self.folder}/{name}"
        self.as_postgres("pg_ctl", "-D", data, "-o", options, "-l", f"{data}.log", "-w", "start", within=within)

    def start_standby(self):
        """After its promotion, it does not wait for a standby of its own."""
        self.start_server("standby", self.standby_port, "127.0.0.1", "")

    def stop_standby(self):
        self.as_postgres("pg_ctl", "-D", f"{self.folder}/standby", "-m", "fast", "-w", "stop")

    def promote_standby(self):
        self.as_postgres("pg_ctl", "-D", f"{self.folder}/standby", "-w", "promote")

    def wait_for_standby(self):
        """Waits until changes of the primary are synchronous."""
        query = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
        wait_until("a synchronous standby", 10, lambda: self.query(PRIMARY_PORT, "postgres", query) == ["1"])

    def as_postgres(self, program, *arguments, within=None):
        network = ["ip", "netns", "exec", within] if within else []
        return run(*network, "runuser", "-u", "postgres", "--", f"{self.bin}/{program}", *arguments, cwd=self.folder)

    def query(self, port, database, sql):
        """The lines that a query returns, with | between the columns. It goes through a Unix socket."""
        text = self.as_postgres("psql", "-h", self.folder, "-p", str(port), "-U", "otpd", "-d", database, "-XAtc", sql)
        return text.splitlines()

    def url(self):
        """The URL for otpd. Both servers are in it, the primary first."""
        hosts = f"{self.primary_address}:{PRIMARY_PORT},127.0.0.1:{self.standby_port}"
        return f"postgres://otpd@{hosts}/otpd?sslmode=disable"

    # The network of the primary.

    def connect_namespace(self):
        name = self.namespace
        run("ip", "netns", "add", name)
        run("ip", "link", "add", self.outside, "type", "veth", "peer", "name", self.inside)
        run("ip", "link", "set", self.inside, "netns", name)
        run("ip", "address", "add", f"{self.outside_address}/30", "dev", self.outside)
        run("ip", "link", "set", self.outside, "up")
        run("ip", "-n", name, "address", "add", f"{self.primary_address}/30", "dev", self.inside)
        run("ip", "-n", name, "link", "set", self.inside, "up")
        run("ip", "-n", name, "link", "set", "lo", "up")

    def drop_packets(self):
        """All packets between the primary and the others get lost without an error, because they go to a hardware
        address that nobody has. (A link that is down, and a route of the type blackhole, return errors to senders.)"""
        nobody = ["lladdr", NOBODY, "nud", "permanent"]
        run("ip", "neighbour", "replace", self.primary_address, "dev", self.outside, *nobody)
        run("ip", "-n", self.namespace, "neighbour", "replace", self.outside_address, "dev", self.inside, *nobody)

    # The processes of the servers.

    def signal_server(self, name, number):
        """Sends a signal to all processes of a server, if it runs. They are suspended first, so that no process starts
        meanwhile, and none sees that another one has ended."""
        file = f"{self.folder}/{name}/postmaster.pid"
        if not os.path.exists(file):
            return
        lines = open(file).read().splitlines()
        main = int(lines[0])
        send(main, signal.SIGSTOP)
        children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(main)], capture_output=True, text=True)
        processes = [main, *(int(child) for child in children.stdout.split())]
        for each in (signal.SIGSTOP, number):
            for process in processes:
                send(process, each)
        if number == signal.SIGKILL:
            # What the server can't tidy up: the file with its process id, and its shared memory.
            os.remove(file)
            subprocess.run(["ipcrm", "-m", lines[6].split()[1]], stderr=subprocess.DEVNULL)

    def fence_primary(self):
        """Ends the old primary, so that it can't accept changes when it comes back."""
        self.signal_server("primary", signal.SIGKILL)

    def close(self):
        for name in ("primary", "standby"):
            self.signal_server(name, signal.SIGKILL)
        subprocess.run(["ip", "link", "delete", self.outside], stderr=subprocess.DEVNULL)
        subprocess.run(["ip", "netns", "delete", self.namespace], stderr=subprocess.DEVNULL)


def send(process, number):
    try:
        os.kill(process, number)
    except ProcessLookupError:
        pass
