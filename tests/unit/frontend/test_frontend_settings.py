"""Where the front end may listen, and by which names it may be called."""

from __future__ import annotations

import pytest

from hedgerow_frontend.settings import Settings, is_loopback
from hedgerow_nodes.core.environment import ConfigurationError


def test_defaults() -> None:
    settings = Settings.read(variables={})
    assert (settings.host, settings.port, settings.url) == ("127.0.0.1", 5001, "http://127.0.0.1:5001")


def test_arguments_win_over_variables() -> None:
    assert Settings.read(port=7, variables={"HEDGEROW_PORT": "8"}).port == 7
    assert Settings.read(variables={"HEDGEROW_PORT": "0"}).port == 0


@pytest.mark.parametrize("port", ["-1", "65536", "http", "٣", "8 0"])
def test_a_port_that_is_none(port: str) -> None:
    with pytest.raises(ConfigurationError, match="is no port; set HEDGEROW_PORT"):
        Settings.read(variables={"HEDGEROW_PORT": port})


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.4", "hedge.example", "127.0.0.1.example"])
def test_where_others_can_reach_it_a_token_is_needed(host: str) -> None:
    for token in ("", "  "):
        with pytest.raises(ConfigurationError, match="set HEDGEROW_TOKEN"):
            Settings.read(host=host, variables={"HEDGEROW_TOKEN": token})
    assert Settings.read(host=host, variables={"HEDGEROW_TOKEN": "s"}).token == "s"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "::1", "localhost", "LocalHost"])
def test_loopback_needs_no_token(host: str) -> None:
    assert is_loopback(host)
    assert Settings.read(host=host, variables={}).token == ""


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:5001"),
        ("::", "http://[::1]:5001"),
        ("::1", "http://[::1]:5001"),
        ("localhost", "http://localhost:5001"),
    ],
)
def test_the_url_is_one_that_can_be_opened(host: str, url: str) -> None:
    assert Settings(host=host).url == url


def test_allowed_hosts_are_read_from_a_list() -> None:
    settings = Settings.read(variables={"HEDGEROW_ALLOWED_HOSTS": " Hedge.example, ,b.example"})
    assert settings.answers_to("hedge.EXAMPLE")
    assert not settings.answers_to("c.example")
