"""Launch files: what they hold, how they join, and where a fault is said to be."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_launch.launch_check import LaunchFileError
from hedgerow_launch.launch_file import load, packaged
from hedgerow_launch.launch_lines import line_of
from hedgerow_launch.launch_schema import Restart

SEVEN_NODES = [
    "app_requirements",
    "ml_model_metadata",
    "hw_constraints",
    "ml_model_provider",
    "hw_resources",
    "carbon_footprint",
    "optimizer",
]


def write(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def fault(folder: Path, text: str) -> LaunchFileError:
    with pytest.raises(LaunchFileError) as caught:
        load("mine.toml", write(folder, text).parent)
    return caught.value


def test_the_packaged_file_starts_the_advice_system() -> None:
    launch = load("advice")
    assert packaged() == ["advice", "serve"]
    assert launch.orchestrator is not None
    assert launch.orchestrator.pipeline == "advice"
    assert launch.frontend is not None
    assert (launch.frontend.host, launch.frontend.port) == ("127.0.0.1", 5001)
    assert list(launch.nodes) == SEVEN_NODES
    assert {node.module for node in launch.nodes.values()} == {f"hedgerow_nodes.{name}" for name in SEVEN_NODES}


def test_the_file_to_copy_is_the_packaged_one() -> None:
    copied = Path(__file__).parents[3] / "launch" / "advice.toml"
    assert load(str(copied)).nodes == load("advice").nodes


def test_the_packaged_file_serves_with_two_workers_and_a_collector() -> None:
    nodes = load("serve").nodes
    modules = {name: table.module for name, table in nodes.items()}
    workers = {"worker-1": "hedgerow_nodes.worker", "worker-2": "hedgerow_nodes.worker"}
    assert modules == {**workers, "collector": "hedgerow_nodes.collector"}
    assert load(str(Path(__file__).parents[3] / "launch" / "serve.toml")).nodes == nodes


def test_a_file_of_its_own_joins_the_packaged_one(tmp_path: Path) -> None:
    write(tmp_path, "", "colour.py")
    text = """
        include = ["advice"]
        [frontend]
        port = 0
        [nodes.colour]
        script = "colour.py"
        restart = "always"
        configuration = { shade = "red" }
        [nodes.hw_constraints]
        script = "colour.py"
        [nodes.carbon_footprint]
        environment = { PUE = "1.2" }
    """
    launch = load(str(write(tmp_path, text)))
    assert launch.frontend is not None
    assert (launch.frontend.host, launch.frontend.port) == ("127.0.0.1", 0)
    assert list(launch.nodes) == [*SEVEN_NODES, "colour"]
    colour = launch.nodes["colour"]
    assert colour.script == str(tmp_path / "colour.py")
    assert (colour.restart, colour.configuration) == (Restart.ALWAYS, {"shade": "red"})
    assert (launch.nodes["hw_constraints"].module, launch.nodes["hw_constraints"].script) == ("", colour.script)
    assert launch.nodes["carbon_footprint"].module == "hedgerow_nodes.carbon_footprint"
    assert launch.nodes["carbon_footprint"].environment == {"PUE": "1.2"}


def test_paths_are_relative_to_the_file_that_holds_them(tmp_path: Path) -> None:
    inner = tmp_path / "inner folder"
    inner.mkdir()
    write(inner, "", "node.py")
    write(inner, "", "own.toml.pipeline.toml")
    write(
        inner,
        '[orchestrator]\npipeline = "own.toml.pipeline.toml"\n[nodes.a]\nscript = "node.py"\nworking_directory = "."\n',
        "inner.toml",
    )
    launch = load(str(write(tmp_path, 'include = ["inner folder/inner.toml"]')))
    assert launch.nodes["a"].script == str(inner / "node.py")
    assert launch.nodes["a"].working_directory == str(inner)
    assert launch.orchestrator is not None
    assert launch.orchestrator.pipeline == str(inner / "own.toml.pipeline.toml")


def test_a_file_without_orchestrator_starts_none(tmp_path: Path) -> None:
    launch = load(str(write(tmp_path, '[nodes.a]\ncommand = ["true"]\n')))
    assert (launch.orchestrator, launch.frontend) == (None, None)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('a = 1\n[nodes.x]\nmodule = "m"\n', 1, ["a: unknown key", "include, orchestrator, frontend, nodes"]),
        ('[nodes.x]\nmodule = "m"\nrestart = "sometimes"\n', 3, ["[nodes.x] restart = 'sometimes'", "always", "never"]),
        ('[nodes.x]\nmodule = "m"\nrestrat = "never"\n', 3, ["[nodes.x] restrat: unknown key", "restart"]),
        ('[nodes.x]\nmodule = "m"\nscript = "s"\n', 3, ["module and script", "only one"]),
        ('\n\n[nodes.x]\nrestart = "never"\n', 3, ["[nodes.x]", "module, script, command"]),
        ('[nodes.x]\nmodule = "m"\narguments = "-v"\n', 3, ["arguments = '-v'", "array"]),
        ('[nodes."a b"]\nmodule = "m"\n', 1, ["'a b' cannot be a node's name"]),
        ('[nodes.frontend]\nmodule = "m"\n', 1, ["'frontend' cannot be a node's name"]),
        ('[nodes]\nx = { module = "m", prot = 1 }\n', 2, ["[nodes.x] prot: unknown key"]),
        ("nodes = 3\n", 1, ["[nodes.NAME]"]),
        ("[frontend]\nhost = '127.0.0.1'\nport = 99999\n", 3, ["port = 99999", "65535"]),
        ("frontend = 1\n", 1, ["write a table [frontend]"]),
        ("[supervisor]\nstart_timeout_s = 0\n", 2, ["start_timeout_s = 0"]),
        ("[supervisor]\nstart_timeout_s = true\n", 2, ["start_timeout_s = True"]),
        ('[orchestrator]\npipeline = "mine/none.toml"\n', 2, ["pipeline", "mine/none.toml does not exist"]),
        ('[nodes.x]\nscript = "none.py"\n', 2, ["[nodes.x] script", "none.py does not exist"]),
        ('include = ["other"]\n', 1, ["include 'other'", "packaged: advice"]),
        ('include = "advice"\n', 1, ["include = 'advice'", "array"]),
        ('[nodes.x]\nmodule = "m\n', 2, ["no valid TOML"]),
        ("[nodes.x", 1, ["no valid TOML"]),
    ],
)
def test_a_fault_is_named_with_file_line_and_key(tmp_path: Path, text: str, line: int, says: list[str]) -> None:
    error = fault(tmp_path, text)
    assert str(error).startswith(f"{tmp_path / 'mine.toml'}:{line}: ")
    assert (error.path, error.line) == (tmp_path / "mine.toml", line)
    for words in says:
        assert words in str(error)


def test_a_fault_in_an_included_file_is_named_there(tmp_path: Path) -> None:
    below = write(tmp_path, '[nodes.x]\nmodule = "m"\nfoo = 1\n', "below.toml")
    assert str(fault(tmp_path, 'include = ["below.toml"]')).startswith(f"{below}:3: [nodes.x] foo")
    below.write_text("[nodes.x]\nenvironment = {}\n")
    assert str(fault(tmp_path, 'include = ["below.toml"]')).startswith(f"{below}:1: [nodes.x]: give one of")


def test_including_in_a_circle_is_refused(tmp_path: Path) -> None:
    write(tmp_path, '# round\ninclude = ["mine.toml"]\n', "other.toml")
    error = fault(tmp_path, 'include = ["other.toml"]')
    assert (error.path, error.line) == (tmp_path / "other.toml", 2)
    assert "circle" in str(error)


def test_including_twice_is_no_circle(tmp_path: Path) -> None:
    write(tmp_path, '[nodes.x]\nmodule = "m"\n', "a.toml")
    write(tmp_path, 'include = ["a.toml"]\n', "b.toml")
    assert list(load(str(write(tmp_path, 'include = ["a.toml", "b.toml"]'))).nodes) == ["x"]


def test_a_missing_file_names_the_packaged_ones(tmp_path: Path) -> None:
    with pytest.raises(LaunchFileError, match=r"launch file 'nothing' not found; packaged: advice"):
        load("nothing", tmp_path)


def test_lines_are_found_behind_long_strings_and_dotted_keys() -> None:
    text = '[a]\nnote = """\nb = 1\n[c]\n"""\nb.d = 1\n[c."e f"]\ng=2\n'
    assert line_of(text, ["a", "b", "d"]) == 6
    assert line_of(text, ["c", "e f", "g"]) == 8
    assert line_of(text, ["c", "e f", "none"]) == 7
    assert line_of(text, ["z"]) is None


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder).resolve() / "any.toml"
        path.write_text(text, encoding="utf-8", newline="")
        with suppress(LaunchFileError):
            load(str(path))
