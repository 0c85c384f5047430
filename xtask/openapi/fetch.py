"""Prints the API's document, as a running quickstart serves it.

fetch.py URL, with ADMIN_TOKEN in the environment
"""

import os
import sys
import urllib.request

request = urllib.request.Request(
    sys.argv[1] + "/settings/developer/api/openapi.json",
    headers={"X-Demo-Admin": os.environ["ADMIN_TOKEN"], "X-Demo-Org": "org_demo"},
)
# It is on this machine, whatever proxy there is.
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
sys.stdout.buffer.write(opener.open(request, timeout=30).read())
