"""Pages: they show what the store holds, work as plain forms, and hold nothing that the policy forbids."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from hedgerow_idl import ReplyStatus

PAGES = [
    "/",
    "/problems",
    "/problems/1",
    "/problems/1/iterations/1",
    "/problems/1/iterations/2",
    "/problems/2/iterations/1",
    "/problems/1/iterations/1?x=flops",
    "/compare",
    "/compare?task=1.1&task=1.2&task=2.1",
    "/compare?task=1.1&task=2.1&differences=true",
    "/nodes",
    "/choices",
    "/?problem=1&iteration=1",
]
VOID = {"meta", "link", "img", "input", "br", "hr"}
BROWSER = {"Accept": "text/html"}


class Outline(HTMLParser):
    """What the tests look at in a page: the tags, and whether they are closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
            assert not (tag in ("form", "div", "dl", "table", "section") and "p" in self._open)
            assert self._open.count("form") < 2

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_sound_and_keeps_to_its_policy(web: Any, path: str) -> None:
    reply = web.get(path)
    assert (reply.status_code, reply.mimetype) == (200, "text/html")
    page = Outline(reply.text)
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert len(page.all("h1")) == 1
    for _, attributes in page.tags:
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
        for name in ("src", "href", "action"):
            value = attributes.get(name) or "/"
            assert value.startswith(("/", "#"))
            assert not value.startswith("//")
    assert all("src" in script for script in page.all("script"))
    assert page.all("style") == []


@pytest.mark.parametrize("path", PAGES)
def test_every_input_has_a_label_and_every_form_that_changes_something_is_a_post(web: Any, path: str) -> None:
    page = Outline(web.get(path).text)
    labelled = {label["for"] for label in page.all("label")}
    inputs = [*page.all("input"), *page.all("select"), *page.all("textarea")]
    assert all(found["id"] in labelled for found in inputs if found.get("type") != "hidden")
    assert all(form["method"] == "post" for form in page.all("form") if form["action"] != "/compare")


@pytest.mark.parametrize("path", PAGES)
def test_the_files_of_a_page_are_there(web: Any, path: str) -> None:
    page = Outline(web.get(path).text)
    for address in {found.get("src") or found.get("href") for found in page.all("script") + page.all("link")}:
        with web.get(address) as reply:
            assert reply.status_code == 200


def test_the_pages_are_dark_where_the_system_is(web: Any) -> None:
    """The sheet of every page gives each of its colours a second value for the dark."""
    sheets = [link["href"] for link in Outline(web.get("/").text).all("link") if link["rel"] == "stylesheet"]
    assert sheets[0] == "/static/hedgerow.css"
    with web.get(sheets[0]) as reply:
        light, _, dark = reply.text.partition("@media (prefers-color-scheme: dark)")
    colours = re.compile(r"--([\w-]+): (#[0-9a-f]+)")
    by_day = dict(colours.findall(light))
    by_night = dict(colours.findall(dark[: dark.index("}\n}")]))
    assert "paper" in by_day
    assert by_day.keys() == by_night.keys()
    assert all(by_day[name] != by_night[name] for name in by_day)


def test_what_users_write_is_never_markup(web: Any) -> None:
    for path in ("/", "/problems/2", "/problems/2/iterations/1"):
        html = web.get(path).text
        assert "<script>alert" not in html
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_the_iteration_page_shows_the_answer_with_interval_method_source_and_reason(web: Any) -> None:
    html = web.get("/problems/1/iterations/1").text
    for text in (
        "12.3 ms",
        "7.38 – 17.2 ms",
        "roofline",
        "8.6 µg CO2e",
        "146 g CO2e/kWh",
        "Ember 2024, CC BY 4.0",
        "55 MB",
        "object-detection",
        "latency 4.9 s is above the limit of 0.1 s",
        "needs 55 MB, has 1 MB",
        "fasterrcnn",
        "The only edge device with enough memory",
        "within 100 ms",
        "STM32H7 &lt;Cortex-M7&gt;",
        "38.3 µWh",
        "energy of the memory",
        "4.1 µWh",
        "carbon per 1,000 inferences",
        "8.6 mg CO2e",
        "SCI per 1 inference",
    ):
        assert text in html, text
    # What is unknown of the carbon is left out.
    assert "energy of the GPU" not in html
    assert "carbon of the training" not in html


def test_the_iteration_page_shows_what_is_known_of_the_data_set(web: Any) -> None:
    html = web.get("/problems/1/iterations/1").text
    for text in (
        "Data set crossing &lt;1&gt;.csv",
        "2.05 k",
        "image file",
        "the text speaks of it as what is to be predicted",
        '<td class="number">75 %</td>',
        "The first 2 of 3 columns.",
        "One remark.",
    ):
        assert text in html, text


def test_the_iteration_page_shows_what_each_precision_costs(web: Any) -> None:
    html = web.get("/problems/1/iterations/1").text
    table = html[html.index("<h3>Precisions</h3>") : html.index("<h3>Candidates</h3>")]
    for text in ("int8 static", "3.4 MB", "21.3 ms", "0.0832", "1.53", "0.98", "overlap of boxes, mean", "person 0.90"):
        assert text in table, text


def test_the_iteration_page_says_which_limits_are_kept(web: Any) -> None:
    html = web.get("/problems/1/iterations/1").text
    kept = html[html.index('id="limits"') : html.index('id="question"')]
    assert "latency at most 100 ms: met with 12.3 ms (roofline)." in kept
    assert "device class edge: met, jetson-orin-nano was chosen." in kept
    assert "vendor data sheet 2023" in kept
    assert 'aria-labelledby="limits-title" hidden' not in html
    assert 'aria-labelledby="limits-title" hidden' in web.get("/problems/2/iterations/1").text


def test_a_running_iteration_can_be_cancelled_and_listens_and_a_finished_one_not(web: Any) -> None:
    running, done = (web.get(f"/problems/{p}/iterations/1").text for p in (2, 1))
    assert "/problems/2/iterations/1/cancel" in running
    assert 'data-events="/api/v1/events?problem_id=2&amp;iteration_id=1"' in running
    assert '<meta http-equiv="refresh"' in running
    assert "/cancel" not in done
    assert "data-events" not in done
    assert '<meta http-equiv="refresh"' not in done


def test_a_failed_iteration_says_why(web: Any) -> None:
    html = web.get("/problems/1/iterations/2").text
    assert "NO_MODEL" in html
    assert "no model keeps 1 µs; the fastest needs 41 ms" in html


def test_the_output_of_an_unknown_node_is_shown_field_by_field(web: Any) -> None:
    html = web.get("/problems/2/iterations/1").text
    for text in ("Leaf shape", "2.05 kB", "0.63 – 0.77", "Crataegus", "The edge is lobed.", "unknown"):
        assert text in html, text


def test_a_new_problem_begins_from_an_earlier_ones_input_or_from_nothing(web: Any, client: Any) -> None:
    assert 'href="/?problem=1&amp;iteration=1"' in web.get("/problems/1/iterations/1").text
    page = Outline(web.get("/?problem=1&iteration=1").text)
    form = {field["name"]: field.get("value") or "" for field in page.all("input")}
    assert (form["max_latency_ms"], form["location"], form["inputs"]) == ("100", "ES", "photo")
    assert "from_iteration" not in form
    web.post("/problems", data={**form, "text": "Count cars"})
    [(verb, body)] = client.calls
    assert verb == "problem.submit"
    assert body["problem"]["text"] == "Count cars"
    assert (body["problem"]["max_latency_s"], body["problem"]["outputs"]) == (0.1, ["count", "boxes"])
    empty = Outline(web.get("/").text)
    assert {field["name"] for field in empty.all("input") if field.get("value")} == {"nonce"}
    for query in ("?problem=1&iteration=9", "?problem=9&iteration=1"):
        assert web.get(f"/{query}").status_code == 404


def test_iterations_stand_side_by_side_and_the_form_begins_from_one(web: Any) -> None:
    newest, first = web.get("/problems/1"), web.get("/problems/1?from=1")
    assert "ssdlite320_mobilenet_v3_large" in newest.text
    assert 'name="max_latency_ms" type="number" value="0.001"' in newest.text
    assert 'name="max_latency_ms" type="number" value="100"' in first.text
    assert 'name="from_iteration" value="1"' in first.text
    assert web.get("/problems/1?from=9", headers=BROWSER).status_code == 404


def test_the_problems_page_counts_for_each_iteration_the_limits_kept(web: Any) -> None:
    rows = web.get("/problems/1").text.split("<tr")[2:4]
    counts = [[row.count("> met"), row.count("> missed"), row.count("> unknown")] for row in rows]
    assert counts == [[1, 0, 0], [0, 0, 1]]
    assert "2 <span" in rows[0]


FORM = {
    "text": "Count people\r\nin photos",
    "max_latency_ms": "100",
    "max_memory_mb": "0.5",
    "max_gco2e": "",
    "inputs": "photo, video,",
    "location": " ES ",
    "objective": "",
    "excluded_models": "a\r\nb",
}


def test_a_submitted_form_is_a_submitted_problem(web: Any, client: Any) -> None:
    reply = web.post("/problems", data=FORM, headers={"Origin": "http://localhost"})
    assert (reply.status_code, reply.headers["Location"]) == (303, "/problems/3/iterations/1")
    [(verb, body)] = client.calls
    assert verb == "problem.submit"
    assert body["problem"] == {
        "text": "Count people\nin photos",
        "max_latency_s": 0.1,
        "max_memory_bytes": 5e5,
        "inputs": ["photo", "video"],
        "location": "ES",
        "excluded_models": ["a", "b"],
    }


def test_a_double_click_carries_one_key_and_another_showing_or_content_another(web: Any, client: Any) -> None:
    for form in ({**FORM, "nonce": "1"}, {**FORM, "nonce": "1"}, {**FORM, "nonce": "2"}, {"text": "x", "nonce": "1"}):
        web.post("/problems", data=form)
    keys = [body["idempotency_key"] for _, body in client.calls]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text", ""),
        ("max_latency_ms", "fast"),
        ("max_memory_mb", "-3"),
        ("location", "7"),
        ("max_gco2e", "nan"),
        ("max_gco2e", "1e400"),
        ("excluded_models", "m" * 201),
    ],
)
def test_a_bad_form_comes_back_as_it_was_with_the_reason_at_the_field(
    web: Any, client: Any, name: str, value: str
) -> None:
    reply = web.post("/problems", data={**FORM, "goal": "translation", name: value})
    assert reply.status_code == 422
    assert f'aria-describedby="e-{name}"' in reply.text
    assert 'value="translation"' in reply.text
    assert client.calls == []


def test_a_form_that_the_orchestrator_refuses_comes_back_as_it_was(web: Any, client: Any) -> None:
    client.answer("problem.submit", ReplyStatus.INVALID, message="goal 'fly' unknown; known: …", field="goal")
    reply = web.post("/problems", data={**FORM, "goal": "fly"})
    assert reply.status_code == 422
    assert "goal &#39;fly&#39; unknown; known: …" in reply.text
    assert 'aria-describedby="e-goal"' in reply.text
    client.unreachable = True
    assert "Count people" in web.post("/problems", data=FORM).text


def test_iterating_sends_what_differs_from_the_iteration_it_begins_from(web: Any, client: Any) -> None:
    page = Outline(web.get("/problems/1?from=1").text)
    form = {f["name"]: f.get("value") or "" for f in page.all("input")}
    asked = "Count people and bicycles in photos from a street camera within 100 ms on a small edge computer in Spain"
    form |= {"text": asked, "objective": "", "location": "", "max_memory_mb": "4000"}
    reply = web.post("/problems/1/iterations", data=form)
    assert reply.status_code == 303
    [(verb, body)] = client.calls
    assert (verb, body["from_iteration"]) == ("problem.iterate", 1)
    assert body["changes"] == {"location": "", "max_memory_bytes": 4e9}


def test_iterating_from_nowhere_is_refused(web: Any, client: Any) -> None:
    for form in ({}, {"from_iteration": "x"}, {"from_iteration": "9"}):
        assert web.post("/problems/1/iterations", data=form).status_code == 404
    assert client.calls == []


def test_cancelling_says_what_came_of_it(web: Any, client: Any) -> None:
    client.answer("task.cancel", task={"problem_id": 2, "iteration_id": 1}, state="CANCELLED")
    reply = web.post("/problems/2/iterations/1/cancel", follow_redirects=True)
    assert "Iteration 1 is CANCELLED." in reply.text
    client.answer("task.cancel", ReplyStatus.CONFLICT, message="task 2.1 is over")
    assert "task 2.1 is over" in web.post("/problems/2/iterations/1/cancel", follow_redirects=True).text


def test_a_node_shows_the_commands_that_its_state_takes(web: Any) -> None:
    html = web.get("/nodes").text
    assert 'aria-label="START hw_resources"' in html
    assert 'aria-label="RESET leaf_shape"' in html
    assert 'aria-label="START leaf_shape"' not in html


def test_a_command_is_given_and_answered(web: Any, client: Any) -> None:
    client.answer("node.command", node_id="n", name="leaf_shape", code="ACCEPTED", state="IDLE", reason="")
    reply = web.post("/nodes/id-leaf_shape/commands", data={"command": "RESET"}, follow_redirects=True)
    assert client.calls == [("node.command", {"node": "id-leaf_shape", "command": "RESET"})]
    assert "leaf_shape took RESET and is IDLE." in reply.text
    client.answer("node.command", node_id="n", name="leaf_shape", code="REFUSED", state="ERROR", reason="it is late")
    reply = web.post("/nodes/id-leaf_shape/commands", data={"command": "STOP"}, follow_redirects=True)
    assert "leaf_shape did not take STOP: it is late" in reply.text


def test_an_unknown_command_or_node_is_refused(web: Any, client: Any) -> None:
    assert web.post("/nodes/id-leaf_shape/commands", data={"command": "RUN"}).status_code == 422
    assert web.post("/nodes/nobody/commands", data={"command": "STOP"}).status_code == 404
    assert client.calls == []


def test_a_configuration_is_changed(web: Any, client: Any) -> None:
    client.answer("node.configure", node_id="n", code="ACCEPTED", configuration={"threads": 4}, reason="")
    reply = web.post("/nodes/id-ml_model_metadata/configuration", data={"configuration": '{"threads": 4}'})
    assert reply.status_code == 303
    assert client.calls == [("node.configure", {"node": "id-ml_model_metadata", "configuration": {"threads": 4}})]


@pytest.mark.parametrize("text", ["", "{", "[1]", "7", "[" * 50_000])
def test_a_configuration_that_is_no_object_comes_back_with_the_reason(web: Any, client: Any, text: str) -> None:
    reply = web.post("/nodes/id-ml_model_metadata/configuration", data={"configuration": text})
    assert reply.status_code == 422
    assert "configuration: is no JSON object" in reply.text
    assert client.calls == []


@pytest.mark.parametrize("cursor", ["nonsense", "x" * 5000, ""])
def test_a_bad_cursor_is_refused(web: Any, cursor: str) -> None:
    reply = web.get("/", query_string={"cursor": cursor}, headers=BROWSER)
    assert (reply.status_code, reply.mimetype) == (422, "text/html")
