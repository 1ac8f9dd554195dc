"""The images' entry: names become addresses before a process that cannot bear names gets them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from deploy.find_peers import CANNOT_START, Found, Patience, find, ipv4_addresses, main


@dataclass
class World:
    """A name server whose answers change with the time, which only sleeping moves."""

    answers: list[tuple[float, dict[str, list[str]]]]
    now: float = 0.0
    asked: list[str] = field(default_factory=list)

    def look_up(self, name: str) -> Sequence[str]:
        self.asked.append(name)
        known: dict[str, list[str]] = {}
        for since, table in self.answers:
            known = table if since <= self.now else known
        return known.get(name, [])

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def find(self, peers: Sequence[str], own: str = "", settle_s: float = 0.0, patience_s: float = 60.0) -> Found:
        return find(
            peers,
            frozenset({own}),
            Patience(settle_s, patience_s),
            look_up=self.look_up,
            clock=lambda: self.now,
            sleep=self.sleep,
        )


def test_addresses_stay_and_nobody_is_asked() -> None:
    world = World([])
    assert world.find(["172.30.57.10", "::1"], settle_s=10) == Found(("172.30.57.10", "::1"), ())
    assert (world.asked, world.now) == ([], 0.0)


def test_a_name_stands_for_all_its_addresses_each_once() -> None:
    world = World([(0, {"peers": ["10.0.0.1", "10.0.0.2"], "control": ["10.0.0.1"]})])
    assert world.find(["control", "peers"]).addresses == ("10.0.0.1", "10.0.0.2")


def test_it_waits_for_a_name_that_comes() -> None:
    world = World([(7, {"peers": ["10.0.0.1"]})])
    assert world.find(["peers"]) == Found(("10.0.0.1",), ())
    assert world.now == 7


def test_a_name_that_never_comes_is_left_out() -> None:
    world = World([(0, {"control": ["10.0.0.1"]})])
    assert world.find(["control", "gone"], patience_s=5) == Found(("10.0.0.1",), ("gone",))
    assert world.now == 5


def test_it_settles_after_it_has_seen_itself_and_takes_the_last_answer() -> None:
    early, late = {"peers": ["10.0.0.1"]}, {"peers": ["10.0.0.1", "10.0.0.2", "10.0.0.3"]}
    world = World([(0, early), (3, {"peers": ["10.0.0.1", "10.0.0.2"]}), (9, late)])
    assert world.find(["peers"], own="10.0.0.2", settle_s=10).addresses == ("10.0.0.1", "10.0.0.2", "10.0.0.3")
    assert world.now == 13


@pytest.mark.parametrize("memory_s", [0, 5, 9])
@pytest.mark.parametrize("apart_s", [0, 2, 5, 11, 30])
def test_two_that_start_together_cannot_miss_each_other(apart_s: int, memory_s: int) -> None:
    """The name server may answer for `memory_s` with what it knew; one of the two has to see the other all the same."""
    first = [(0.0, {"peers": ["a"]}), (float(apart_s + memory_s), {"peers": ["a", "b"]})]
    # Whoever is asked by the second may know of the second at once and learn of the first later.
    second = [(float(apart_s), {"peers": ["b"]}), (float(max(memory_s, apart_s)), {"peers": ["a", "b"]})]
    seen_by_a = World(first).find(["peers"], own="a", settle_s=10).addresses
    seen_by_b = World(second, now=float(apart_s)).find(["peers"], own="b", settle_s=10).addresses
    assert "b" in seen_by_a or "a" in seen_by_b


def run(
    arguments: list[str], variables: Mapping[str, str], known: Mapping[str, list[str]]
) -> tuple[int, list[str], str]:
    """Run the entry; its exit code, the command that it became, and the peers that the command got."""
    became: list[str] = []
    peers = [""]

    def execute(program: str, command: list[str], environment: dict[str, str]) -> None:
        assert program == command[0]
        became.extend(command)
        peers[0] = environment.get("HEDGEROW_PEERS", "")

    code = main(arguments, variables, execute, lambda name: known.get(name, []))
    return code, became, peers[0]


def test_the_command_gets_addresses_and_its_own_options() -> None:
    variables = {"HEDGEROW_DISCOVERY": "peers", "HEDGEROW_PEERS": "control, 10.0.0.9"}
    code, became, peers = run(["--", "python", "-m", "x", "--name", "w"], variables, {"control": ["10.0.0.1"]})
    assert (code, became) == (CANNOT_START, ["python", "-m", "x", "--name", "w"])  # a real exec does not return
    assert peers == "10.0.0.1,10.0.0.9"


@pytest.mark.parametrize("mode", ["local", "subnet", ""])
def test_other_ways_of_discovery_are_left_alone(mode: str) -> None:
    _, became, peers = run(["--", "x"], {"HEDGEROW_DISCOVERY": mode, "HEDGEROW_PEERS": "control"}, {})
    assert (became, peers) == (["x"], "control")


def test_without_any_address_nothing_is_started(capsys: pytest.CaptureFixture[str]) -> None:
    variables = {"HEDGEROW_DISCOVERY": "peers", "HEDGEROW_PEERS": "gone"}
    assert run(["--patience-s", "0", "--", "x"], variables, {}) == (CANNOT_START, [], "")
    assert "no address of gone within 0 s" in capsys.readouterr().err


def test_a_command_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--", "/no/such/command"], {}) == CANNOT_START
    assert "cannot start '/no/such/command': No such file" in capsys.readouterr().err


def test_names_are_looked_up_for_real() -> None:
    assert ipv4_addresses("localhost") == ["127.0.0.1"]
    assert ipv4_addresses("a..b") == ()
