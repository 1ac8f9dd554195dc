"""The seven real nodes asked over REST: what goes in has its effect, iterations change one thing, nothing is lost."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from running import KINDS, wait_for
from up_system import UpSystem, up_system

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.timeout(300)]

EVERYTHING = {
    "text": "Tell healthy leaves from sick ones in photos taken in a greenhouse, as soon as the picture is there",
    "goal": "image-classification",
    "modality": "cv",
    "inputs": ["photo of a leaf"],
    "outputs": ["healthy or sick"],
    "max_latency_s": 5.0,
    "location": "PT",
    "training_samples": 2000.0,
    "epochs": 10.0,
}


class Rest:
    """The front end of a running system, and nothing else of it."""

    def __init__(self, system: UpSystem) -> None:
        self._system = system

    def ask(self, path: str, body: Any = None, method: str = "") -> Any:
        """A GET, or a POST of JSON."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        url = f"{self._system.frontend_url()}/api/v1{path}"
        request = urllib.request.Request(url, data, headers, method=method or None)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def page(self, path: str) -> str:
        """A page as a browser gets it."""
        with urllib.request.urlopen(self._system.frontend_url() + path, timeout=30) as answer:
            text: str = answer.read().decode()
            return text

    def finish(self, accepted: Any) -> Any:
        """The task that was accepted, once it has ended."""
        task = accepted["task"]
        address = f"/problems/{task['problem_id']}/iterations/{task['iteration_id']}"

        def ended() -> Any:
            found = self.ask(address)
            return found if found["state"] not in ("WAITING", "RUNNING") else None

        return wait_for(ended, 90.0)


def output(task: Any, stage: str) -> Any:
    assert task["state"] == "SUCCEEDED", task
    return task["stages"][stage]["output"]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UpSystem]:
    """One system for all tests of this file; each asks its own problem."""
    with up_system(tmp_path_factory.mktemp("advice") / "home", "advice") as system:
        yield system


@pytest.fixture
def rest(system: UpSystem) -> Rest:
    return Rest(system)


def test_each_part_of_a_problem_reaches_the_node_that_it_is_for(rest: Rest) -> None:
    task = rest.finish(rest.ask("/problems", EVERYTHING))
    assert {name: task["request"][name] for name in EVERYTHING} == EVERYTHING
    assert output(task, "ml_model_metadata")["tasks"] == [{"id": "image-classification", "score": 1.0}]
    assert output(task, "ml_model_metadata")["decided_by"] == "goal"
    assert "accuracy" in output(task, "ml_model_metadata")["metrics"]
    [limit] = output(task, "app_requirements")["limits"]
    assert (limit["name"], limit["value"], limit["found_in"]) == ("latency_s", 5.0, "field:max_latency_s")
    assert task["verdicts"][0]["verdict"] == "met"
    carbon = output(task, "carbon_footprint")
    assert carbon["location"] == "Portugal"
    assert "2000 samples x 10 epochs" in carbon["explanation"]
    assert carbon["training_gco2e"]["value"] > 0


def test_a_user_chooses_the_model_then_the_device_and_each_iteration_is_kept(rest: Rest) -> None:
    first = rest.finish(rest.ask("/problems", {"text": "Find cars in pictures", "required_model": "hustvl/yolos-tiny"}))
    assert output(first, "ml_model_provider")["chosen"] == "hustvl/yolos-tiny"
    number = first["task"]["problem_id"]
    changes = {"from_iteration": 1, "required_device": "nvidia-jetson-orin-nano-8gb"}
    second = rest.finish(rest.ask(f"/problems/{number}/iterations", changes))
    assert output(second, "hw_resources")["chosen"] == "nvidia-jetson-orin-nano-8gb"
    assert output(first, "hw_resources")["chosen"] != "nvidia-jetson-orin-nano-8gb"
    assert output(second, "ml_model_provider")["chosen"] == "hustvl/yolos-tiny"
    back = rest.finish(rest.ask(f"/problems/{number}/iterations", {"from_iteration": 2, "required_device": None}))
    assert output(back, "hw_resources")["chosen"] == output(first, "hw_resources")["chosen"]
    kept = rest.ask(f"/problems/{number}")["iterations"]
    assert kept == [first, second, back]
    assert all(set(task["stages"]) == set(KINDS) for task in kept)


def test_iterations_stand_side_by_side_in_rows_and_in_bars_that_lead_to_each(rest: Rest) -> None:
    first = rest.finish(rest.ask("/problems", {"text": "Classify photos", "goal": "image-classification"}))
    number = first["task"]["problem_id"]
    rest.finish(rest.ask(f"/problems/{number}/iterations", {"from_iteration": 1, "location": "PL"}))
    page = rest.page(f"/compare?task={number}.1&task={number}.2")
    bars = page[page.index("In bars") :]
    drawn = next(one for one in bars.split("<figure>") if "carbon, carbon footprint" in one.lower())
    assert "<svg" in drawn
    assert f"{number}.1: " in drawn
    assert f"{number}.2: " in drawn
    assert {word in drawn for word in ('class="bar best"', 'class="bar worst"')} == {True}
    for iteration in (1, 2):
        assert f'href="/problems/{number}/iterations/{iteration}"' in page
        assert "Run here on" in rest.page(f"/problems/{number}/iterations/{iteration}")


def test_a_configuration_is_read_changed_and_used(rest: Rest) -> None:
    address = "/nodes/carbon_footprint"
    problem = {"text": "Classify photos", "goal": "image-classification", "location": "ES"}
    before = output(rest.finish(rest.ask("/problems", problem)), "carbon_footprint")
    assert json.loads(rest.ask(address)["info"]["configuration"])["intensity_g_per_kwh"] is None
    changed = rest.ask(f"{address}/configuration", {"intensity_g_per_kwh": 5.0}, "PATCH")
    assert changed["configuration"]["intensity_g_per_kwh"] == 5.0

    def announced() -> bool:
        return bool(json.loads(rest.ask(address)["info"]["configuration"])["intensity_g_per_kwh"] == 5.0)

    wait_for(announced)
    after = output(rest.finish(rest.ask("/problems", problem)), "carbon_footprint")
    assert after["intensity_g_per_kwh"]["value"] == 5.0 < before["intensity_g_per_kwh"]["value"]
    rest.ask(f"{address}/configuration", {"intensity_g_per_kwh": None}, "PATCH")


def test_a_problem_that_none_can_solve_fails_in_one_place_with_one_reason(rest: Rest) -> None:
    task = rest.finish(rest.ask("/problems", {"text": "Find cars in pictures", "max_memory_bytes": 1000.0}))
    assert (task["state"], task["error"]["code"]) == ("FAILED", "NO_MODEL")
    assert "needs too much memory" in task["error"]["reason"]
    states = {name: stage["state"] for name, stage in task["stages"].items()}
    assert states.pop("ml_model_provider") == "FAILED"
    assert {states[name] for name in ("hw_resources", "carbon_footprint", "optimizer")} == {"CANCELLED"}
    errors = {name: stage["error"] for name, stage in task["stages"].items() if stage["error"]}
    assert errors.pop("ml_model_provider")["code"] == "NO_MODEL"
    assert {error["reason"] for error in errors.values()} == {"ml_model_provider failed"}


def test_what_was_answered_is_there_again_after_a_restart_of_everything(system: UpSystem, rest: Rest) -> None:
    """The last test of this file, since it stops the system."""
    before = rest.finish(rest.ask("/problems", {"text": "Translate letters into Dutch"}))
    number = before["task"]["problem_id"]
    problems = rest.ask("/problems")["items"]
    system.down()
    system.up("advice")
    assert rest.ask(f"/problems/{number}/iterations/1") == before
    assert rest.ask("/problems")["items"] == problems
    again = rest.finish(rest.ask(f"/problems/{number}/iterations", {}))
    assert again["task"] == {"problem_id": number, "iteration_id": 2}
    assert output(again, "ml_model_provider")["chosen"] == output(before, "ml_model_provider")["chosen"]
