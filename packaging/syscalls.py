"""Checks that the unit's SystemCallFilter= permits all system calls of a recorded run: syscalls.py UNIT STRACE_LOG"""

import re
import subprocess
import sys

unit, log = (open(path, encoding="utf-8", errors="replace").read() for path in sys.argv[1:])
output = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout

groups = {}
for line in output.splitlines():
    if line.startswith("@"):
        members = groups.setdefault(line.strip(), [])
    elif line.startswith("    ") and not line.strip().startswith("#"):
        members.append(line.strip())


def expand(name):
    if not name.startswith("@"):
        return {name}
    return set().union(*(expand(member) for member in groups[name]))


allowed = expand("@default")
for inverted, names in re.findall(r"^SystemCallFilter=(~?)(.*)$", unit, re.MULTILINE):
    listed = set().union(*map(expand, names.split()))
    allowed = allowed - listed if inverted else allowed | listed

used = set(re.findall(r"^\d+ +(?:\d\S* )?(\w+)\(", log, re.MULTILINE))
if len(used) < 30:
    sys.exit(f"only {len(used)} different system calls were recorded; is this the log of strace -f?")
if used - allowed:
    sys.exit(f"SystemCallFilter= does not permit {', '.join(sorted(used - allowed))}")
