"""The pages about the core say what the code does."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from hedgerow_idl import NodeState
from hedgerow_idl.topics import BULK_DEPTH, COMMAND_DEPTH, RING_DEPTH, TOPICS, Profile
from hedgerow_nodes.core.lifecycle import LIFECYCLE, Trigger

ROOT = Path(__file__).parents[3]


def test_the_lifecycle_page_shows_the_table() -> None:
    page = (ROOT / "docs" / "lifecycle.md").read_text()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("|")]
    head = next(i for i, row in enumerate(rows) if row[0].startswith("from"))
    triggers = rows[head][1:]
    shown = {
        (NodeState[row[0]], Trigger(trigger)): NodeState[cell]
        for row in rows[head + 2 :]
        if row[0] in NodeState.__members__ and len(row) == len(triggers) + 1
        for trigger, cell in zip(triggers, row[1:], strict=True)
        if cell
    }
    assert shown == dict(LIFECYCLE)


def test_the_picture_in_the_readme_names_real_topics() -> None:
    names = {topic.name for topic in TOPICS}
    shown = set(re.findall(r"hedgerow/[a-z_]+", (ROOT / "README.md").read_text().split("```")[1]))
    assert shown
    assert shown <= names


def test_the_profiles_say_the_depths_that_are_used() -> None:
    text = Profile.__doc__ or ""
    for depth in (RING_DEPTH, COMMAND_DEPTH, BULK_DEPTH):
        assert f"keep-last {depth}" in text


def test_the_page_of_topics_is_the_table() -> None:
    page = (ROOT / "docs" / "topics.md").read_text()
    for topic in TOPICS:
        kind, readers = topic.type.__idl_typename__, ", ".join(topic.readers)
        assert f"| `{topic.name}` | `{kind}` | {topic.profile} | {topic.writer} | {readers} |" in page


def test_every_variable_that_is_read_is_on_the_page_of_settings() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    packages = ("idl", "nodes", "orchestrator", "frontend", "launch")
    texts = [path.read_text() for package in packages for path in (ROOT / package).rglob("*.py")]
    read = {name for text in texts for name in re.findall(r"HEDGEROW_[A-Z_]*[A-Z]", text)}
    assert len(read) >= 8
    assert {name for name in read if f"| `{name}` |" not in page} == set()


def test_links_in_the_pages_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"


def test_the_node_in_the_readme_is_the_example() -> None:
    example = (ROOT / "examples" / "garden" / "shout.py").read_text()
    shown = (ROOT / "README.md").read_text().split("```python")[1].split("```")[0]
    lines = [line.strip() for line in shown.splitlines() if line.strip()]
    assert len(lines) <= 15
    for line in lines:
        assert line in example


METHOD = (ROOT / "docs" / "method.md").read_text()
REFERENCE = re.compile(r"`([\w/]+\.py)::(\w+)`")


def test_everything_that_the_page_of_formulas_names_exists() -> None:
    named = REFERENCE.findall(METHOD)
    assert len(named) >= 80
    missing = [f"{path}::{name}" for path, name in named if not _defines(path, name)]
    assert missing == []


def test_a_name_that_is_not_there_would_be_found() -> None:
    assert not _defines("estimators/interval.py", "Intervall")
    assert not _defines("estimators/intervals.py", "Interval")


def test_every_formula_names_code_and_a_test() -> None:
    sections = re.split(r"^### ", METHOD.split("## The words in the field")[0], flags=re.MULTILINE)[1:]
    assert [section.split(".")[0] for section in sections] == [str(n) for n in range(1, len(sections) + 1)]
    for section in sections:
        named = [path for path, _ in REFERENCE.findall(section)]
        assert any(path.startswith("test_") for path in named), section.splitlines()[0]
        assert any(not path.startswith("test_") for path in named), section.splitlines()[0]
        assert re.search(r"error", section, re.IGNORECASE), section.splitlines()[0]


def test_every_word_in_the_field_method_is_explained() -> None:
    explained = set(re.findall(r"`([^`]+)`", METHOD.split("## The words in the field")[1]))
    words = {word for path in (ROOT / "nodes" / "hedgerow_nodes").rglob("*.py") for word in _method_words(path)}
    assert {"roofline", "rapl_counter", "yearly_average", "operational + embodied"} <= words
    assert sorted(words - explained) == []


def test_the_readme_leads_to_method_and_validation() -> None:
    targets = re.findall(r"\]\(([^)]+)\)", (ROOT / "README.md").read_text())
    assert {"docs/method.md", "docs/validation.md"} <= set(targets)


def _defines(path: str, name: str) -> bool:
    """Whether a file of the page's short paths has a function, a class, a method or a constant of that name."""
    if path.startswith("test_"):
        found = list((ROOT / "tests" / "unit").rglob(path))
    else:
        found = [ROOT / path if path.startswith("tools/") else ROOT / "nodes" / "hedgerow_nodes" / path]
    definition = re.compile(rf"^\s*(?:async )?(?:def|class) {name}\b|^{name}\b.*=", re.MULTILINE)
    return len(found) == 1 and found[0].is_file() and bool(definition.search(found[0].read_text()))


def _method_words(path: Path) -> set[str]:
    """What a module writes into the field `method` of figures and estimates, told by where its texts stand.

    That is the second argument of `Figure`, the first of `.estimate` and of `EnergyMethod`, the keywords `method` and
    `power_method`, and constants that are called so. Of a text with holes each part between them is a word.
    """
    texts: list[ast.expr | None] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            place = {"Figure": 1, "estimate": 0, "EnergyMethod": 0}.get(name)
            texts += node.args[place : place + 1] if place is not None else []
            texts += [word.value for word in node.keywords if word.arg in ("method", "power_method")]
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            texts += (
                [node.value] if any(name in ("method", "STATED") or name.endswith("METHOD") for name in names) else []
            )
    return {word for text in texts for word in _words_of(text)} - NO_FIGURE


# An HTTP verb, and a setting of a node.
NO_FIGURE = {"POST", "own"}


def _words_of(text: ast.expr | None) -> set[str]:
    if isinstance(text, ast.JoinedStr):
        parts = [str(part.value) for part in text.values if isinstance(part, ast.Constant)]
    elif isinstance(text, ast.IfExp):
        return _words_of(text.body) | _words_of(text.orelse)
    elif isinstance(text, ast.BoolOp):
        return {word for value in text.values for word in _words_of(value)}
    else:
        parts = [text.value] if isinstance(text, ast.Constant) and isinstance(text.value, str) else []
    return {word for part in parts if (word := part.strip(" +;,"))} - {"x"}
