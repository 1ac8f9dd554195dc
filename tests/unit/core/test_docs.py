"""The pages about the core say what the code does."""

from __future__ import annotations

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
