"""Manages keys of a running quickstart with the client that was generated from its OpenAPI document.

Usage: drive.py URL FOLDER

FOLDER contains the generated package `generated`. The environment variable ADMIN_TOKEN has the
quickstart's admin token. APIKEYS_TEST_SECRETS has the path of the file that lists created secrets.
No secret is printed: a failed assertion shows only its line.
"""

import datetime
import os
import sys
from http import HTTPStatus

import httpx

sys.path.insert(0, sys.argv[2])

from generated import Client
from generated.api.default import (
    create_key,
    delete_key,
    get_key,
    get_usage,
    list_events,
    list_keys,
    update_key,
)
from generated.models.key_patch import KeyPatch
from generated.models.list_events_action import ListEventsAction
from generated.models.new_key import NewKey

URL = sys.argv[1]
ORG = "org_starter"
EXPIRES = datetime.datetime(2100, 1, 31, 12, 30, tzinfo=datetime.timezone.utc)
# The quickstart runs on this machine, so no proxy is used.
DIRECT = {"trust_env": False}


def main():
    client = log_in()
    key, secret = create(client)
    assert whoami(secret) == 200
    listed_once(client, key)
    edit(client, key)
    deactivate_and_activate(client, key, secret)
    refuse(client)
    delete(client, key, secret)
    audited(client, key)
    print("a key was created, listed, changed, deactivated, activated and deleted")


def log_in():
    """Logs in with a cookie, as a browser does and as the document says."""
    parameters = {"token": os.environ["ADMIN_TOKEN"], "org": ORG}
    with httpx.Client(**DIRECT) as browser:
        cookies = dict(browser.get(URL + "/login", params=parameters).cookies)
    assert list(cookies) == ["demo_session"]
    base = URL + "/settings/developer"
    without_login = list_keys.sync_detailed(client=Client(base_url=base, httpx_args=DIRECT))
    assert without_login.status_code == HTTPStatus.UNAUTHORIZED
    assert without_login.parsed.code.value == "ADMIN_REQUIRED"
    return Client(base_url=base, cookies=cookies, httpx_args=DIRECT, raise_on_unexpected_status=True)


def create(client):
    body = NewKey(name="Generated", expires_at=EXPIRES, rate_limit=600)
    response = create_key.sync_detailed(client=client, body=body)
    assert response.status_code == HTTPStatus.CREATED
    created = response.parsed
    with open(os.environ["APIKEYS_TEST_SECRETS"], "a", encoding="utf-8") as secrets:
        secrets.write(f"xtask {created.key.prefix} {created.secret}\n")
    key = created.key
    assert created.secret.startswith(key.prefix) and len(created.secret) > len(key.prefix) + 20
    assert response.headers["location"] == f"/settings/developer/api/keys/{key.id}"
    assert (key.name, key.status.value, key.active) == ("Generated", "active", True)
    assert (key.rate_limit, key.effective_rate_limit, key.request_count) == (600, 600, 0)
    assert (key.expires_at, key.last_used_at, key.created_by) == (EXPIRES, None, "demo")
    return key, created.secret


def listed_once(client, key):
    page = list_keys.sync(client=client, limit=100)
    assert [listed.name for listed in page.keys if listed.id == key.id] == ["Generated"]
    assert (page.next_cursor, page.quota.used, page.quota.limit) == (None, len(page.keys), 2)


def edit(client, key):
    patch = KeyPatch(name="Renamed", expires_at=None, rate_limit=None)
    response = update_key.sync_detailed(key.id, client=client, body=patch)
    assert response.status_code == HTTPStatus.OK
    for now in (response.parsed, get_key.sync(key.id, client=client)):
        assert (now.name, now.expires_at, now.rate_limit) == ("Renamed", None, None)
        assert (now.effective_rate_limit, now.active) == (60, True)


def deactivate_and_activate(client, key, secret):
    for active, status, answer in ((False, "deactivated", 401), (True, "active", 200)):
        now = update_key.sync(key.id, client=client, body=KeyPatch(active=active))
        assert (now.active, now.status.value, now.name) == (active, status, "Renamed")
        assert whoami(secret) == answer


def refuse(client):
    """Invalid values are refused with the error that the document describes."""
    response = create_key.sync_detailed(client=client, body=NewKey(name=" ", rate_limit=10_001))
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    problem = response.parsed
    assert (problem.code.value, problem.status) == ("VALIDATION_FAILED", 422)
    assert sorted(error.pointer for error in problem.errors) == ["/name", "/rate_limit"]


def delete(client, key, secret):
    response = delete_key.sync_detailed(key.id, client=client)
    assert response.status_code == HTTPStatus.NO_CONTENT and response.content == b""
    assert whoami(secret) == 401
    for call in (get_key, delete_key, get_usage):
        response = call.sync_detailed(key.id, client=client)
        assert response.status_code == HTTPStatus.NOT_FOUND
        assert (response.parsed.code.value, response.parsed.status) == ("KEY_NOT_FOUND", 404)
    assert key.id not in [listed.id for listed in list_keys.sync(client=client).keys]


def audited(client, key):
    """The audit log lists all changes of the key. Each page has one event."""
    actions, cursor = [], None
    while cursor is not None or not actions:
        more = {} if cursor is None else {"cursor": cursor}
        page = list_events.sync(client=client, key_id=key.id, limit=1, **more)
        assert len(page.events) == 1 and page.events[0].key.id == key.id
        actions.append(page.events[0].action)
        cursor = page.next_cursor
    changes = [action for action in actions if action != "request"]
    assert changes == [
        "key.deleted",
        "key.activated",
        "key.deactivated",
        "key.updated",
        "key.created",
    ]
    updated = list_events.sync(client=client, key_id=key.id, action=ListEventsAction.KEY_UPDATED).events
    assert [(event.actor, event.key.name) for event in updated] == [("demo", "Renamed")]
    name = updated[0].changes["name"]
    assert (name.from_, name.to) == ("Generated", "Renamed")


def whoami(secret):
    with httpx.Client(**DIRECT) as program:
        headers = {"Authorization": f"Bearer {secret}"}
        return program.get(URL + "/v1/whoami", headers=headers).status_code


main()
