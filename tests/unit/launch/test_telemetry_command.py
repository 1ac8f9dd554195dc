"""`hedgerow telemetry`: rows, links and sources, with filters and ages."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from hedgerow_launch.failures import CommandFailure
from hedgerow_launch.moments import moment_s
from hedgerow_launch.telemetry_tables import started

Hedgerow = Callable[..., Any]
API = "/api/v1/telemetry"
AT = {"at": "2026-11-27T04:55:05.123Z", "at_s": 1795755305.123, "node_ID": 1, "node_id": "w-1", "node": "worker-1"}
GPU = {"gpu_index": None, "gpu_percent": None, "gpu_memory_percent": None}
SYSTEM = {**AT, "cpu_percent": 98.04, "memory_bytes": 25.3e9, "memory_percent": 9.8, **GPU}
SYSTEM |= {"gpu_clock_hz": 1.5e9, "gpu_power_w": None}
OF = {"service": "faces", "service_id": "s-1", "handler": "detect", "logical_id": "l-1", "physical_id": "p-1"}
PROCESS = {**AT, **OF, "cpu_percent": 12.0, "memory_percent": 0.4, **GPU, "gpu_index": 0, "gpu_percent": 31.0}
PACKET = {**AT, **OF, "epoch": 2, "sequence": 106, "event": "recv", "size_bytes": 786_432, "port": "image"}


def asked(frontend: Any) -> list[dict[str, str]]:
    return [{name: found[0] for name, found in parse_qs(urlsplit(one.path).query).items()} for one in frontend.asked]


@pytest.mark.parametrize(
    ("kind", "row", "cells"),
    [
        ("sys_info", SYSTEM, ["98.0%", "25.3", "GB", "9.8%", "–", "–", "–", "1.5", "GHz", "–"]),
        ("proc_info", PROCESS, ["faces", "detect", "12.0%", "0.4%", "0", "31.0%", "–"]),
        ("packet_info", PACKET, ["faces", "detect", "2", "106", "recv", "image", "786", "kB"]),
    ],
)
def test_rows_are_a_table_with_units(
    frontend: Any, hedgerow: Hedgerow, kind: str, row: dict[str, Any], cells: list[str]
) -> None:
    frontend.answers = {f"GET {API}/{kind}": (200, {"items": [row], "next": "more"})}
    lines = hedgerow("telemetry", kind, "--limit", 1).stdout.splitlines()
    assert lines[1].split() == ["2026-11-27", "04:55:05.123", "worker-1", *cells]
    assert asked(frontend) == [{"limit": "1"}]
    found = json.loads(hedgerow("telemetry", kind, "--limit", 1, "--json").stdout)
    assert found == {"items": [row], "next": "more"}


def test_filters_are_passed_on(frontend: Any, hedgerow: Hedgerow) -> None:
    frontend.answers = {f"GET {API}/packet_info": (200, {"items": [], "next": None})}
    filters = ("--service", "faces", "--worker", "worker-1", "--handler", "detect", "--event", "drop", "--sequence", 0)
    times = ("--since", "2026-11-27T05:00", "--until", "2026-11-27T06:00+01:00")
    result = hedgerow("telemetry", "packet_info", *filters, *times)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no such row is stored" in result.stderr
    assert asked(frontend) == [
        {
            "limit": "20",
            "service": "faces",
            "worker": "worker-1",
            "handler": "detect",
            "event": "drop",
            "sequence": "0",
            "since": "1795755600.0",
            "until": "1795755600.0",
        }
    ]


def test_more_rows_than_a_page_has_are_fetched_page_by_page(frontend: Any, hedgerow: Hedgerow) -> None:
    def page(question: Any) -> tuple[int, Any]:
        query = parse_qs(urlsplit(question.path).query)
        count, begin = int(query["limit"][0]), int(query.get("cursor", ["0"])[0])
        end = min(begin + count, 450)
        items = [{**PACKET, "sequence": number} for number in range(begin, end)]
        return 200, {"items": items, "next": str(end) if end < 450 else None}

    frontend.answers = {f"GET {API}/packet_info": page}
    found = json.loads(hedgerow("telemetry", "packet_info", "--limit", 420, "--json").stdout)
    assert ([row["sequence"] for row in found["items"]], found["next"]) == (list(range(420)), "420")
    assert [one["limit"] for one in asked(frontend)] == ["200", "200", "20"]
    found = json.loads(hedgerow("telemetry", "packet_info", "--limit", 9999, "--json").stdout)
    assert (len(found["items"]), found["next"]) == (450, None)


def test_an_age_counts_back_from_now() -> None:
    assert [moment_s(text, "--since", 1e6) for text in ("90s", "1.5m", "2h", "1d", "1w")] == [
        *(1e6 - 90, 1e6 - 90, 1e6 - 7200, 1e6 - 86400, 1e6 - 604800)
    ]
    assert moment_s("9w", "--since", 60.0) == 0.0
    for wrong in ("yesterday", "5", "5 y", "-5m", ""):
        with pytest.raises(CommandFailure, match=r"--since .*: write an age as 90s"):
            moment_s(wrong, "--since", 1e6)


def test_a_time_that_cannot_be_read_is_a_mistake(frontend: Any, hedgerow: Hedgerow) -> None:
    result = hedgerow("telemetry", "sys_info", "--since", "soon")
    assert (result.exit_code, frontend.asked) == (2, [])


def test_links_and_sources_are_listed(frontend: Any, hedgerow: Hedgerow) -> None:
    link = {"from": "worker-1", "to": "worker-2", "bandwidth_bytes_per_s": 1.25e7, "latency_s": None, "age_s": 3.0}
    source = {"source_id": "x", "node_id": "w-1", "node": "worker-1", "incarnation": 1_795_755_236_403_530_000}
    source |= {"stored_rows": 3842, "missing_rows": 0, "lost_rows": 7, "refused_rows": 0, "changed_at": AT["at"]}
    frontend.answers = {
        f"GET {API}/links": (200, {"items": [{**link, "is_passive": True}]}),
        f"GET {API}/sources": (200, {"items": [source]}),
    }
    row = hedgerow("telemetry", "links").stdout.splitlines()[1]
    assert row.split() == ["worker-1", "worker-2", "12.5", "MB/s", "–", "3", "s", "traffic"]
    row = hedgerow("telemetry", "sources").stdout.splitlines()[1]
    assert row.split()[:7] == ["worker-1", "2026-11-27", "04:53:56", "3842", "0", "7", "0"]
    assert json.loads(hedgerow("telemetry", "sources", "--json").stdout) == {"items": [source]}
    assert json.loads(hedgerow("telemetry", "links", "--json").stdout)["items"][0]["to"] == "worker-2"


def test_where_nothing_is_the_way_out_is_told(frontend: Any, hedgerow: Hedgerow) -> None:
    frontend.answers = {f"GET {API}/{what}": (200, {"items": []}) for what in ("links", "sources")}
    assert "hedgerow worker measure" in hedgerow("telemetry", "links").stderr
    assert "collector" in hedgerow("telemetry", "sources").stderr
    assert started(3) == "3"
