"""What a blueprint that leaves something out gets from the operator's settings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hedgerow_nodes.core.environment import ConfigurationError

MOST = 10_000


@dataclass(frozen=True)
class BlueprintDefaults:
    """Settings for blueprints.

    Attributes:
        max_partitions: into how many partitions a network is cut at most (`HEDGEROW_MAX_PARTITIONS`).
        profile_iterations: how often a network is run to time its layers (`HEDGEROW_PROFILE_ITERATIONS`).
    """

    max_partitions: int | None = None
    profile_iterations: int | None = None

    @classmethod
    def read(cls, variables: Mapping[str, str] | None = None) -> BlueprintDefaults:
        """Read the variables of this process, or those given.

        Raises:
            ConfigurationError: a value is no whole number from 1 to 10,000.
        """
        env = os.environ if variables is None else variables
        partitions = _number(env, "HEDGEROW_MAX_PARTITIONS")
        return cls(max_partitions=partitions, profile_iterations=_number(env, "HEDGEROW_PROFILE_ITERATIONS"))

    def filled(self, blueprint: Mapping[str, Any]) -> dict[str, Any]:
        """A blueprint with what it leaves out; what it says itself, or says in another form, stays.

        Only those with networks have partitions.
        """
        filled = dict(blueprint)
        networks = blueprint.get("networks")
        if not isinstance(networks, list) or not networks:
            return filled
        if self.profile_iterations is not None:
            default = {"profile_iterations": self.profile_iterations}
            filled["networks"] = [{**default, **each} if isinstance(each, dict) else each for each in networks]
        placement = blueprint.get("placement", {})
        if self.max_partitions is not None and isinstance(placement, dict):
            filled["placement"] = {"max_partitions": self.max_partitions, **placement}
        return filled


def _number(env: Mapping[str, str], name: str) -> int | None:
    text = env.get(name, "").strip()
    if not text:
        return None
    if not text.isdecimal() or not 1 <= int(text) <= MOST:
        raise ConfigurationError(f"{name}={text!r} is no whole number from 1 to {MOST}")
    return int(text)
