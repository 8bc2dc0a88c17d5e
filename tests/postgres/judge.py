"""What is wrong with the answers of otpd, and with what the database contains."""

from load import PATIENCE

# The seconds within which a change is refused while there is no standby.
REFUSED_WITHIN = 7


def first_acknowledged(changes, process, moment):
    """The seconds from a moment until a process acknowledged a change."""
    ends = [change.over for change in changes if change.process == process and change.is_acknowledged]
    return min((end for end in ends if end > moment), default=float("inf")) - moment


def judge_outage(during):
    """The problems with the requests that began and ended while there was no standby."""
    changes = [request for request in during if request.is_change]
    acknowledged = [request for request in changes if request.is_acknowledged]
    slow = [request for request in changes if request.took >= REFUSED_WITHIN]
    refused = [request for request in during if not request.is_change and request.outcome != 200]
    checks = [
        (not acknowledged, f"{len(acknowledged)} changes acknowledged without the standby"),
        (not slow, f"{len(slow)} changes not answered within {REFUSED_WITHIN} s"),
        (not refused, f"{len(refused)} reads refused"),
        (changes and len(during) > len(changes), "no requests"),
    ]
    return [problem for is_met, problem in checks if not is_met]


def judge_answers(requests):
    """Only 2xx and 503 are right answers, and each comes in time."""
    wrong = [request for request in requests if not request.is_acknowledged and request.outcome != 503]
    slow = [request for request in requests if request.took > PATIENCE]
    texts = sorted({f"{request.kind} {request.outcome}" for request in wrong})
    problems = [f"{len(wrong)} wrong answers: {', '.join(texts)}"] if wrong else []
    return problems + ([f"{len(slow)} answers after more than {PATIENCE} s"] if slow else [])


def judge_database(requests, cluster, port):
    """Compares what was acknowledged with what is stored. Returns the problems, and the numbers of unacknowledged
    changes that were made and of acknowledged ones that were lost."""
    changes = [request for request in requests if request.is_change]
    # Each change wrote an event with the id of its request in the same transaction.
    events = cluster.query(port, "otpd", "SELECT request_id FROM audit_events WHERE request_id LIKE 'load-%'")
    made = set(events)
    lost = {change.id for change in changes if change.is_acknowledged and change.id not in made}
    rows = [row.split("|") for row in cluster.query(port, "otpd", "SELECT id, code, mobile_number FROM otp_codes")]
    stored = {int(code): int(value) for code, value, mobile in rows if mobile}
    mixed = [code for code, value, mobile in rows if mobile and mobile != f"09{int(value):09}"]
    lost |= {change.id for change in overwritten([change for change in changes if change.kind == "patch"], stored)}
    applied = len([change for change in changes if not change.is_acknowledged and change.id in made])
    checks = [
        (not lost, f"{len(lost)} acknowledged changes lost: {', '.join(sorted(lost)[:5])}"),
        (not mixed, f"{len(mixed)} codes with values of different requests"),
        (len(events) == len(made), f"{len(events) - len(made)} changes made twice"),
    ]
    return [problem for is_met, problem in checks if not is_met], applied, len(lost)


def overwritten(patches, stored):
    """The acknowledged changes in whose place an older value is stored. A change without an acknowledgement may take
    effect until one second after its answer."""
    ends = {patch.value: patch.over if patch.is_acknowledged else patch.over + 1 for patch in patches}
    return [
        patch
        for patch in patches
        # A code that was never changed has a value that no request wrote.
        if patch.is_acknowledged and ends.get(stored.get(patch.code), 0) < patch.begun
    ]
