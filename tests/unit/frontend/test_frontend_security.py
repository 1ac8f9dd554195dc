"""Host, Origin and token checks, the login page, and the headers of every answer."""

from __future__ import annotations

from typing import Any

import pytest

SUBMIT = "/api/v1/problems"


@pytest.mark.parametrize("host", ["localhost", "localhost:5001", "127.0.0.1:9", "[::1]:5001", "LOCALHOST"])
def test_loopback_names_are_served(web: Any, host: str) -> None:
    assert web.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:5001", "localhost.evil.example", "192.168.1.9"])
@pytest.mark.parametrize("path", ["/", "/healthz", "/static/live.js", "/api/v1/events", "/nothing"])
def test_a_foreign_host_is_misdirected(web: Any, host: str, path: str) -> None:
    assert web.get(path, headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("host", ["", "localhost:x", "x@localhost", "localhost/x", "[::1"])
def test_a_host_that_is_none_is_a_bad_request(web: Any, host: str) -> None:
    assert web.get("/healthz", headers={"Host": host}).status_code == 400


def test_further_hosts_can_be_allowed(make_app: Any) -> None:
    web = make_app(allowed_hosts=frozenset({"hedge.example"})).test_client()
    assert web.get("/healthz", headers={"Host": "hedge.example:80"}).status_code == 200
    assert web.get("/healthz", headers={"Host": "hedge.example.org"}).status_code == 421


def test_on_every_address_every_bare_address_will_do_but_no_name(make_app: Any) -> None:
    web = make_app(host="0.0.0.0", token="t").test_client()
    assert web.get("/healthz", headers={"Host": "192.168.1.9:5001"}).status_code == 200
    assert web.get("/healthz", headers={"Host": "rebound.example"}).status_code == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:5002"},
        {"Origin": "file://localhost"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://localhost", "Sec-Fetch-Site": "cross-site"},
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", SUBMIT), ("POST", "/problems"), ("PATCH", "/api/v1/nodes/x/configuration"), ("POST", "/login")],
)
def test_another_sites_page_changes_nothing(
    web: Any, client: Any, headers: dict[str, str], method: str, path: str
) -> None:
    reply = web.open(path, method=method, json={"text": "x"}, headers=headers)
    assert (reply.status_code, reply.json["code"]) == (403, "wrong_origin")
    assert client.calls == []


@pytest.mark.parametrize(
    "headers", [{}, {"Origin": "http://localhost"}, {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}]
)
def test_our_own_pages_and_programs_change_things(web: Any, headers: dict[str, str]) -> None:
    assert web.post(SUBMIT, json={"text": "x"}, headers=headers).status_code == 202


def test_reading_needs_no_origin(web: Any) -> None:
    assert web.get(SUBMIT, headers={"Origin": "http://evil.example"}).status_code == 200


def test_no_page_of_another_site_may_read_answers(web: Any) -> None:
    reply = web.get(SUBMIT, headers={"Origin": "http://evil.example"})
    assert not [name for name, _ in reply.headers if name.startswith("Access-Control-")]


@pytest.mark.parametrize("path", ["/", "/nodes", SUBMIT, "/nothing", "/static/hedgerow.css", "/healthz"])
def test_every_answer_has_the_protective_headers(web: Any, path: str) -> None:
    with web.get(path) as reply:
        headers = reply.headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_with_a_token_nothing_but_health_and_login_is_open(make_app: Any, client: Any) -> None:
    web = make_app(token="s3cret").test_client()
    assert web.get("/healthz").status_code == 200
    assert web.get("/login").status_code == 200
    for path in (SUBMIT, "/api/v1/events", "/api/v1/openapi.json", "/nothing"):
        reply = web.get(path)
        assert (reply.status_code, reply.headers["WWW-Authenticate"][:6]) == (401, "Bearer")
    assert web.post(SUBMIT, json={"text": "x"}).status_code == 401
    assert client.calls == []


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Bearer s3cret", 200),
        ("bearer s3cret", 200),
        ("Bearer wrong", 401),
        ("Bearer s3cre", 401),
        ("Bearer ", 401),
        ("Basic s3cret", 401),
        ("s3cret", 401),
    ],
)
def test_the_bearer_token(make_app: Any, header: str, status: int) -> None:
    reply = make_app(token="s3cret").test_client().get(SUBMIT, headers={"Authorization": header})
    assert reply.status_code == status


def test_a_browser_logs_in_once_and_comes_to_where_it_wanted_to_go(make_app: Any) -> None:
    web = make_app(token="s3cret").test_client()
    sent = web.get("/problems/1?from=1", headers={"Accept": "text/html"})
    assert (sent.status_code, sent.headers["Location"]) == (302, "/login?next=/problems/1?from%3D1")
    wrong = web.post("/login", data={"token": "no", "next": "/nodes"})
    assert wrong.status_code == 401
    assert web.get("/nodes").status_code == 401
    right = web.post("/login", data={"token": "s3cret", "next": "/nodes"})
    assert (right.status_code, right.headers["Location"]) == (303, "/nodes")
    cookie = right.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "s3cret" not in cookie
    assert web.get("/nodes").status_code == 200
    web.post("/logout")
    assert web.get("/nodes").status_code == 401


def test_a_forged_cookie_opens_nothing(make_app: Any) -> None:
    web = make_app(token="s3cret").test_client()
    web.set_cookie("hedgerow", "eyJsb2dnZWRfaW4iOnRydWV9.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb")
    assert web.get(SUBMIT).status_code == 401


@pytest.mark.parametrize("target", ["//evil.example", "http://evil.example", "/\\evil.example", "", "/a\nb", "nodes"])
def test_a_login_leads_nowhere_else(make_app: Any, target: str) -> None:
    reply = make_app(token="t").test_client().post("/login", data={"token": "t", "next": target})
    assert reply.headers["Location"] == "/"


def test_without_a_token_there_is_no_login(web: Any) -> None:
    assert web.get("/login").headers["Location"] == "/"
