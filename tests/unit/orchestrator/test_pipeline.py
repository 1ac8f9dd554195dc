"""Pipeline files: the packaged one, an author's that extends it, and what a wrong one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from hedgerow_orchestrator.pipeline import PipelineError, load, packaged


def test_the_packaged_pipeline_puts_each_stage_after_what_it_needs() -> None:
    assert packaged() == ["advice", "serving"]
    plan = load("advice")
    assert set(plan.stages) == {
        "app_requirements",
        "ml_model_metadata",
        "hw_constraints",
        "ml_model_provider",
        "hw_resources",
        "carbon_footprint",
        "optimizer",
    }
    seen: set[str] = set()
    for name, spec in plan.stages.items():
        assert set(spec.inputs) - {"user_input", "baselines"} <= seen
        seen.add(name)


def test_a_file_extends_a_packaged_pipeline(tmp_path: Path) -> None:
    file = tmp_path / "garden.toml"
    file.write_text('extends = "advice"\nname = "garden"\n[stages.colour]\ninputs = ["user_input"]\nattempts = 7\n')
    plan = load("garden.toml", tmp_path)
    assert (plan.name, len(plan.stages)) == ("garden", 8)
    assert (plan.stages["colour"].attempts, plan.stages["colour"].kind) == (7, "colour")
    assert plan.loop_stage == load("advice").loop_stage == "optimizer"
    assert plan.stages["ml_model_provider"].timeout_s == load("advice").stages["ml_model_provider"].timeout_s


def test_a_file_takes_the_loop_away(tmp_path: Path) -> None:
    (tmp_path / "once.toml").write_text('extends = "advice"\nname = "once"\n[loop]\nstage = ""\n')
    assert load("once.toml", tmp_path).loop_stage == ""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name = \n[stages.a]", "line 1"),
        ("[stages.a]\ninputs = ['user_input']", "'name' is missing"),
        ("name = 'x'", "'stages' is missing or empty"),
        ("name = 'x'\ncolour = 1\n[stages.a]\ninputs = ['user_input']", "'colour' unknown"),
        ("name = 'x'\n[stages.a]\ninputs = ['b']", "input 'b' unknown; known: user_input, baselines, a"),
        ("name = 'x'\n[stages.a]\ninputs = []", "inputs is empty"),
        ("name = 'x'\n[stages.a]\ninputs = 'user_input'", "stages.a"),
        ("name = 'x'\n[stages.a]\ninputs = ['user_input']\nattempts = 0", "attempts = 0 is below 1"),
        ("name = 'x'\n[stages.a]\ninputs = ['user_input']\ntries = 1", "known keys: attempts"),
        ("name = 'x'\n[stages.a]\ninputs = ['b']\n[stages.b]\ninputs = ['a']", "in a circle"),
        ("name = 'x'\n[stages.baselines]\ninputs = ['user_input']", "'baselines' refused"),
        ("name = 'x'\n[loop]\nstage = 'b'\n[stages.a]\ninputs = ['user_input']", "loop.stage 'b' unknown; known: a"),
        ("name = 'x'\n[loop]\nsize = 1\n[stages.a]\ninputs = ['user_input']", "the one key 'stage'"),
        ("name = 'x'\nextends = 'own.toml'", "goes in a circle"),
        ("name = 'x'\nextends = 'nope'", "'nope' unknown; known: advice"),
        ("name = 'x'\nextends = 'gone.toml'", "gone.toml cannot be read"),
    ],
)
def test_a_wrong_file_is_told_where(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "own.toml").write_text(text)
    with pytest.raises(PipelineError, match=says) as caught:
        load("own.toml", tmp_path)
    assert "own.toml" in str(caught.value) or "nope" in str(caught.value) or "gone" in str(caught.value)


def test_a_pipeline_that_serves_only_has_no_stages() -> None:
    assert dict(load("serving").stages) == {}
