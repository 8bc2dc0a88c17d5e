"""PostgreSQL servers fail while otpd is under load. Acknowledged changes must not be lost.

Usage: failover.py PROGRAM [RUNS] [FAULT...]

  kill     all processes of the primary get SIGKILL, and the synchronous standby is promoted
  suspend  the same with SIGSTOP
  route    the same, but the network drops all packets from and to the primary; two otpd processes
  standby  the synchronous standby is stopped for 30 s, and started again

Each fault runs RUNS times (default 1; 10 in the long form). Needs root, Linux and PostgreSQL.
"""

import datetime
import os
import shutil
import signal
import subprocess
import sys
import time

from cluster import PRIMARY_PORT, Cluster
from common import wait_until
from judge import REFUSED_WITHIN, first_acknowledged, judge_answers, judge_database, judge_outage
from load import FIXED_CODE, THREADS, TOKEN, Client, Load, create_codes, recipient
from servers import free_port

FAILOVERS = ["kill", "suspend", "route"]
# The targets: seconds from the promotion, or the start of the standby, to the first change; connections to the server.
# Each of two processes has 17 connections for changes and 4 for reads.
SERVING_AGAIN, CONNECTIONS = 5, 42
# How long the load runs before the fault, until the promotion, and after it.
BEFORE, UNTIL_PROMOTION, AFTER = 2, 1, 7
STANDBY_OUTAGE = 30


class Otpd:
    """A running otpd. Its folder has its log."""

    def __init__(self, program, folder, url):
        self.folder, self.port = folder, free_port()
        os.mkdir(folder)
        with open(f"{folder}/otp.toml", "w") as settings:
            settings.write(configuration(self.port))
        environment = {**os.environ, "OTPD_DATABASE__URL": url, "OTPD_AUTH__BOOTSTRAP_TOKEN": TOKEN}
        with open(f"{folder}/log", "w") as log:
            self.process = subprocess.Popen([program], cwd=folder, env=environment, stdout=log, stderr=log)
        wait_until(f"otpd is ready; see {folder}/log", 20, lambda: self.readiness() == 200)

    def readiness(self):
        try:
            return Client(self.port).request("GET", "/readyz")[0]
        except OSError:
            return None

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def configuration(port):
    """Settings without limits on the requests of the load."""
    until = datetime.date.today() + datetime.timedelta(days=30)
    limits = ["sends_per_recipient_hour", "sends_per_recipient_day", "sends_per_token_minute", "sends_per_client_hour"]
    lines = [f'[server]\nport = {port}\n[otp]\nresend_cooldown = "0s"\n[limits]', *(f"{name} = 0" for name in limits)]
    for number, kind in enumerate(THREADS):
        if kind == "send":
            lines += ["[[otp.test_recipients]]", f'recipient = "{recipient(number)}"', f"code = {FIXED_CODE}"]
            lines.append(f"until = {until}")
    return "\n".join(lines) + "\n"


def cause(fault, cluster):
    if fault == "kill":
        cluster.signal_server("primary", signal.SIGKILL)
    elif fault == "suspend":
        cluster.signal_server("primary", signal.SIGSTOP)
    else:
        cluster.drop_packets()


def fail_over(fault, cluster, processes, load):
    """Causes the fault and promotes the standby. Returns the problems, a description of the times, and the port of the
    new primary."""
    time.sleep(BEFORE)
    cause(fault, cluster)
    failed = time.monotonic()
    time.sleep(UNTIL_PROMOTION)
    promoted = time.monotonic()
    cluster.promote_standby()
    time.sleep(AFTER)
    cluster.fence_primary()
    load.stop()
    changes = [request for request in load.requests if request.kind == "patch"]
    # Before its promotion, the standby can't have acknowledged anything.
    firsts = [first_acknowledged(changes, process, promoted) for process in range(len(processes))]
    refusals = [request.over for request in load.requests if request.over > failed and not request.is_acknowledged]
    last = max(refusals, default=promoted) - promoted
    times = f"serving after {max(firsts):.1f} s, last refusal after {last:.1f} s"
    problems = [f"serving again only after {first:.1f} s" for first in firsts if first > SERVING_AGAIN]
    return problems, times, cluster.standby_port


def lose_standby(cluster, processes, load):
    """Stops the standby for a while. Returns the same."""
    time.sleep(BEFORE)
    cluster.stop_standby()
    stopped = time.monotonic()
    connections, readiness = observe(cluster, processes[0], stopped + STANDBY_OUTAGE)
    started = time.monotonic()
    cluster.start_standby()
    time.sleep(AFTER)
    is_ready_again = processes[0].readiness() == 200
    load.stop()
    during = [request for request in load.requests if request.begun > stopped and request.over < started]
    after = first_acknowledged([change for change in load.requests if change.kind == "patch"], 0, started)
    problems = judge_outage(during)
    late = [moment for moment, status in readiness if status != 503 and moment > stopped + REFUSED_WITHIN]
    checks = [
        (not late, f"/readyz was not 503 in {len(late)} of {len(readiness)} checks"),
        (is_ready_again, f"/readyz is not 200 {AFTER} s after the start of the standby"),
        (max(connections) <= CONNECTIONS, f"{max(connections)} connections to the server"),
        (after <= SERVING_AGAIN, f"serving again only after {after:.1f} s"),
    ]
    problems += [problem for is_met, problem in checks if not is_met]
    slowest = max((request.took for request in during if request.is_change), default=0)
    times = f"serving after {after:.1f} s, slowest refusal {slowest:.1f} s, {max(connections)} connections"
    return problems, times, PRIMARY_PORT


def observe(cluster, process, end):
    """Counts the connections to the primary and checks /readyz until the end."""
    connections, readiness = [], []
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'otpd'"
    while time.monotonic() < end:
        connections.append(int(cluster.query(PRIMARY_PORT, "postgres", query)[0]))
        moment = time.monotonic()
        readiness.append((moment, process.readiness()))
        time.sleep(0.3)
    return connections, readiness


def run_fault(fault, program):
    """Runs one fault, prints its line, and returns whether the targets were met."""
    cluster, processes, load = Cluster(), [], None
    keeps_folder = True
    try:
        cluster.start()
        for n in range(2 if fault == "route" else 1):
            processes.append(Otpd(program, f"{cluster.folder}/otpd{n}", cluster.url()))
        load = Load([process.port for process in processes], create_codes(processes[0].port))
        load.start()
        if fault in FAILOVERS:
            problems, times, port = fail_over(fault, cluster, processes, load)
        else:
            problems, times, port = lose_standby(cluster, processes, load)
        problems += judge_answers(load.requests)
        found, applied, lost = judge_database(load.requests, cluster, port)
        problems += found
        report(fault, load.requests, applied, lost, times)
        for problem in problems:
            print(f"  {fault}: {problem}; logs in {cluster.folder}")
        keeps_folder = bool(problems)
        return not problems
    except (AssertionError, RuntimeError) as error:
        sys.exit(f"{fault}: {error}; logs in {cluster.folder}")
    finally:
        if load:
            load.stop()
        for process in processes:
            process.stop()
        cluster.close()
        if not keeps_folder:
            shutil.rmtree(cluster.folder, ignore_errors=True)


def report(fault, requests, applied, lost, times):
    changes = [request for request in requests if request.is_change]
    acknowledged = len([change for change in changes if change.is_acknowledged])
    unknown = len(changes) - acknowledged
    print(f"{fault}: {acknowledged} acknowledged, {unknown} unknown ({applied} made), {lost} lost, {times}", flush=True)


def main(program, runs="1", *faults):
    # `kill` of this program ends what it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    program = os.path.abspath(program)
    outcomes = [run_fault(fault, program) for fault in faults or [*FAILOVERS, "standby"] for _ in range(int(runs))]
    sys.exit(0 if all(outcomes) else 1)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])
