"""Whom the guard kills when the supervisor is gone."""

from __future__ import annotations

from hedgerow_launch.guard import watch


def test_only_groups_that_were_not_taken_off_the_list_are_killed() -> None:
    killed: list[int] = []
    watch(["+11\n", "+12\n", "-11\n", "+13\n", "-99\n"], killed.append)
    assert sorted(killed) == [12, 13]


def test_an_orderly_end_kills_nobody() -> None:
    killed: list[int] = []
    watch(["+11\n", "-11\n"], killed.append)
    assert killed == []
