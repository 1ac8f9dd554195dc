"""The scenes of serving, each by its one command, as a person would run them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from user import User

pytestmark = [pytest.mark.system, pytest.mark.long]

WITHIN_S = 240


def played(user: User, scene: str) -> dict[str, Any]:
    """What a scene tells as JSON."""
    told: dict[str, Any] = json.loads(user.types("demo", scene, "--once", "--json", timeout_s=WITHIN_S))
    return told


@pytest.mark.timeout(WITHIN_S + 30)
def test_faces_are_recognised_in_pictures_and_in_a_video(user: User) -> None:
    told = played(user, "faces")
    assert told["pictures"]["names"]["Eileen Collins"] == 1
    assert told["video"] == {"answers": 24, "names": {"Eileen Collins": 24}}


@pytest.mark.timeout(WITHIN_S + 30)
def test_objects_are_detected(user: User) -> None:
    person, cat = played(user, "objects")["objects"]
    assert "person" in person
    assert "cat" in cat


@pytest.mark.timeout(WITHIN_S + 30)
def test_a_network_is_cut_over_three_hosts(user: User) -> None:
    told = played(user, "cut")
    assert told["answers"] == 40
    assert len({worker for _, _, worker in told["parts"]}) == 3


@pytest.mark.timeout(WITHIN_S + 30)
def test_results_go_on_while_workers_come_and_go(user: User) -> None:
    told = played(user, "churn")
    assert {"deploy", "migrate", "failover"} <= set(told["causes"])
    assert told["next_result_after_s"]["kill"] < 5
