"""A client that follows `next` through a whole list while another client creates and deletes codes.

Usage: walk.py ADDRESS TOKEN [CODES]. Exits with 1 unless every code that existed at the start is listed exactly once.
"""

import sys
import threading

import requests

address, token = sys.argv[1:3]
codes = int(sys.argv[3]) if len(sys.argv) > 3 else 10_000
url = f"{address}/api/notifications/otp/"


def session():
    client = requests.Session()
    client.headers["Authorization"] = f"Token {token}"
    return client


def create(client, code):
    answer = client.post(url, json={"code": code, "email": f"walker{code}@example.com", "valid_to": "2099-01-01"})
    answer.raise_for_status()
    return answer.json()["id"]


def fill(share, ids):
    client = session()
    for code in share:
        ids.append(create(client, code))


def disturb(stop):
    client = session()
    while not stop.is_set():
        client.delete(f"{url}{create(client, 1)}").raise_for_status()


ids = []
fillers = [threading.Thread(target=fill, args=(range(n, codes, 8), ids)) for n in range(8)]
for filler in fillers:
    filler.start()
for filler in fillers:
    filler.join()
assert len(ids) == codes, len(ids)

stop = threading.Event()
disturber = threading.Thread(target=disturb, args=(stop,))
disturber.start()
listed = []
client = session()
page = client.get(url, params={"ordering": "id", "limit": 100, "id_min": min(ids)}).json()
while True:
    listed += [otp["id"] for otp in page["results"]]
    if page["next"] is None or len(listed) > 2 * codes:
        break
    page = client.get(page["next"]).json()
stop.set()
disturber.join()

twice = len(listed) - len(set(listed))
missed = set(ids) - set(listed)
print(f"{codes} codes, {len(listed)} listed, {twice} listed twice, {len(missed)} missed")
sys.exit(1 if twice or missed else 0)
