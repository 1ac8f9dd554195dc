"""Older variables become ours, each with a warning that names the new one; what cannot be read is left out and said."""

from __future__ import annotations

import pytest

from hedgerow_launch.compat.variables import NAMES, translated


@pytest.mark.parametrize(
    ("given", "ours"),
    [
        (
            {"WORKER_ADDRESSES": "['10.0.0.5','10.0.0.6', \"fe80::1\"]"},
            {"HEDGEROW_DISCOVERY": "peers", "HEDGEROW_PEERS": "10.0.0.5,10.0.0.6,fe80::1"},
        ),
        ({"WORKER_ADDRESSES": "worker-1"}, {"HEDGEROW_DISCOVERY": "peers", "HEDGEROW_PEERS": "worker-1"}),
        ({"DNN_EXTRACT_ITERATIONS": "5"}, {"HEDGEROW_PROFILE_ITERATIONS": "5"}),
        ({"MAX_SPLIT": "3"}, {"HEDGEROW_MAX_PARTITIONS": "3"}),
        ({"LOGGING": "True"}, {"HEDGEROW_PREDICTION_LOG": "1"}),
        ({"LOGGING": "false"}, {"HEDGEROW_PREDICTION_LOG": "0"}),
        ({"API_PORT": "6968"}, {"HEDGEROW_PORT": "6968"}),
    ],
)
def test_each_becomes_ours_and_is_told(given: dict[str, str], ours: dict[str, str]) -> None:
    found = translated(given)
    assert found.variables == ours
    (warning,) = found.warnings
    assert warning.startswith(f"{next(iter(given))} is an older name; write ")
    assert all(f"{name}={value}" in warning for name, value in ours.items())


@pytest.mark.parametrize("name", ["SYNC_PORT", "REGISTRATION_PORT"])
def test_ports_without_a_socket_are_accepted_and_it_is_said_why(name: str) -> None:
    found = translated({name: "6869"})
    assert found.variables == {}
    assert "no socket is opened" in found.warnings[0]
    assert "HEDGEROW_DISCOVERY" in found.warnings[0]


def test_max_split_means_partitions_and_the_warning_says_so() -> None:
    assert "not the cuts" in translated({"MAX_SPLIT": "5"}).warnings[0]


def test_new_names_win() -> None:
    found = translated({"API_PORT": "6968", "HEDGEROW_PORT": "5001"})
    assert found.variables == {}
    (warning,) = found.warnings
    assert warning == "API_PORT is an older name and is ignored where HEDGEROW_PORT is set; write HEDGEROW_PORT=6968"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WORKER_ADDRESSES", "[]"),
        ("WORKER_ADDRESSES", "__import__('os').system('x')"),
        ("DNN_EXTRACT_ITERATIONS", "0"),
        ("MAX_SPLIT", "-1"),
        ("MAX_SPLIT", "many"),
        ("LOGGING", "/etc/logging.ini"),
        ("API_PORT", "70000"),
        ("SYNC_PORT", "x"),
    ],
)
def test_what_cannot_be_read_is_ignored_and_told(name: str, value: str) -> None:
    found = translated({name: value})
    assert found.variables == {}
    assert found.warnings[0].startswith(f"{name}={value!r} is ignored: ")


def test_without_older_variables_nothing_is_said() -> None:
    assert translated({"PATH": "/bin", "HEDGEROW_HOME": "x"}).warnings == []
    assert len(NAMES) == 7
