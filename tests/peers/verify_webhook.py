"""Verifies requests with the library standardwebhooks: verify_webhook.py SECRET < requests.

Each line of the input is a JSON object with the headers and the body of a request. For each line, one line is printed:
`accepted` or `rejected`.
"""

import json
import sys

from standardwebhooks import Webhook, WebhookVerificationError

webhook = Webhook(sys.argv[1])
for line in sys.stdin:
    request = json.loads(line)
    try:
        webhook.verify(request["body"], request["headers"])
        print("accepted")
    # The library raises a ValueError for a signature without a comma.
    except (WebhookVerificationError, ValueError):
        print("rejected")
