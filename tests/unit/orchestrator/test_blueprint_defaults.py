"""What blueprints leave out comes from the settings, and what they say stays."""

from __future__ import annotations

from typing import Any

import pytest

from hedgerow_nodes.core.environment import ConfigurationError
from hedgerow_orchestrator.blueprint_defaults import BlueprintDefaults

BOTH = {"HEDGEROW_MAX_PARTITIONS": "3", "HEDGEROW_PROFILE_ITERATIONS": "20"}


def test_only_what_is_left_out_is_filled_in() -> None:
    defaults = BlueprintDefaults.read(BOTH)
    given: dict[str, Any] = {"name": "n", "networks": [{"name": "a"}, {"name": "b", "profile_iterations": 1}]}
    filled = defaults.filled(given)
    assert filled["placement"] == {"max_partitions": 3}
    assert [each["profile_iterations"] for each in filled["networks"]] == [20, 1]
    assert "placement" not in given
    assert defaults.filled(given | {"placement": {"max_partitions": 9}})["placement"] == {"max_partitions": 9}


@pytest.mark.parametrize("blueprint", [{"handlers": []}, {"networks": "x"}, {"networks": [3], "placement": 4}])
def test_what_has_no_networks_or_another_form_stays(blueprint: dict[str, Any]) -> None:
    assert BlueprintDefaults.read(BOTH).filled(blueprint) == blueprint


def test_without_settings_nothing_changes() -> None:
    blueprint = {"networks": [{"name": "a"}]}
    assert BlueprintDefaults.read({}).filled(blueprint) == blueprint


@pytest.mark.parametrize("text", ["0", "-1", "x", "10001"])
def test_a_setting_that_is_no_number_is_told(text: str) -> None:
    with pytest.raises(ConfigurationError, match="HEDGEROW_MAX_PARTITIONS"):
        BlueprintDefaults.read({"HEDGEROW_MAX_PARTITIONS": text})
