"""Read what the hub's HTTP API answers; what is missing or of another kind than expected becomes unknown."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from hedgerow_nodes.estimators.hub.interface import Card, CardResult, HubFile, HubModel

MOST_TEXT = 4000
_MOST_FIELD = 300
_MOST_RESULTS = 50
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FRONT_MATTER = re.compile(r"\A---\s*\n.*?\n---\s*\n", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def model(found: dict[str, Any]) -> HubModel:
    """One entry of a search, or the head of a card."""
    tags = _texts(found.get("tags"))
    data = _object(found.get("cardData"))
    licence = _text(data.get("license")) or next((tag[8:] for tag in tags if tag.startswith("license:")), "")
    if licence == "other":
        licence = _text(data.get("license_name")) or licence
    return HubModel(
        id=_text(found.get("id")) or _text(found.get("modelId")),
        task=_text(found.get("pipeline_tag")),
        downloads=_count(found.get("downloads")),
        likes=_count(found.get("likes")),
        licence=licence,
        last_modified=_text(found.get("lastModified")),
        gated=bool(found.get("gated")),
        tags=tags,
    )


def models(found: Any) -> tuple[HubModel, ...]:
    """The entries of a search that have an id."""
    entries = (model(item) for item in found if isinstance(item, dict)) if isinstance(found, list) else ()
    return tuple(entry for entry in entries if entry.id)


def commit(found: dict[str, Any]) -> str:
    """The commit that an answer is of; empty if it does not say."""
    said = _text(found.get("sha"))
    return said if _COMMIT.fullmatch(said) else ""


def card(found: dict[str, Any], text: str, url: str, note: str = "") -> Card:
    """A card from the answer about one model and the text of its README."""
    data = _object(found.get("cardData"))
    return Card(
        model=model(found),
        commit=commit(found),
        library=_text(found.get("library_name")),
        base_models=_texts(data.get("base_model")),
        datasets=_texts(data.get("datasets")),
        languages=_texts(data.get("language")),
        results=tuple(_results(found.get("model-index") or data.get("model-index")))[:_MOST_RESULTS],
        text=shortened(text),
        url=url,
        note=note,
    )


def files(found: dict[str, Any]) -> tuple[HubFile, ...]:
    """The files, with sizes and digests where they are stated."""
    siblings = found.get("siblings")
    made = []
    for item in siblings if isinstance(siblings, list) else ():
        entry = _object(item)
        large = _object(entry.get("lfs"))
        name = entry.get("rfilename")
        if not isinstance(name, str) or not name:
            continue
        sha256, blob = _text(large.get("sha256")).lower(), _text(entry.get("blobId")).lower()
        size = _count(large.get("size")) if large else _count(entry.get("size"))
        made.append(
            HubFile(
                name=name,
                size_bytes=size,
                sha256=sha256 if _SHA256.fullmatch(sha256) else "",
                # Of a large file the blob is only a pointer.
                git_sha1="" if large or not _COMMIT.fullmatch(blob) else blob,
            )
        )
    return tuple(made)


def shortened(text: str) -> str:
    """The text of a card without its YAML head, control characters and what is beyond the first 4,000 characters."""
    plain = _CONTROL.sub("", _FRONT_MATTER.sub("", text.replace("\r\n", "\n"))).strip()
    return plain if len(plain) <= MOST_TEXT else plain[:MOST_TEXT].rstrip() + " […]"


def _results(index: Any) -> Iterator[CardResult]:
    for entry in index if isinstance(index, list) else ():
        results = _object(entry).get("results")
        for result in results if isinstance(results, list) else ():
            stated = _object(result)
            task, dataset = _object(stated.get("task")), _object(stated.get("dataset"))
            metrics = stated.get("metrics")
            for item in metrics if isinstance(metrics, list) else ():
                metric = _object(item)
                value = _number(metric.get("value"))
                name = _text(metric.get("name")) or _text(metric.get("type"))
                if name and not math.isnan(value):
                    yield CardResult(
                        task=_text(task.get("type")),
                        metric=name,
                        dataset=_text(dataset.get("name")) or _text(dataset.get("type")),
                        value=value,
                        source=_text(_object(stated.get("source")).get("url")),
                    )


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    if isinstance(value, list) and value:
        value = value[0]
    return _CONTROL.sub("", value).replace("\n", " ").strip()[:_MOST_FIELD] if isinstance(value, str) else ""


def _texts(value: Any) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return tuple(text for text in (_text(item) for item in values[:_MOST_FIELD]) if text)


def _count(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < 2**63 else None


def _number(value: Any) -> float:
    if isinstance(value, bool):
        return math.nan
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
    return number if math.isfinite(number) else math.nan
