"""Prints the OpenAPI document of a running quickstart.

Usage: fetch.py URL

The environment variable ADMIN_TOKEN has the quickstart's admin token.
"""

import os
import sys
import urllib.request

request = urllib.request.Request(
    sys.argv[1] + "/settings/developer/api/openapi.json",
    headers={"X-Demo-Admin": os.environ["ADMIN_TOKEN"], "X-Demo-Org": "org_demo"},
)
# The quickstart runs on this machine, so no proxy is used.
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
sys.stdout.buffer.write(opener.open(request, timeout=30).read())
