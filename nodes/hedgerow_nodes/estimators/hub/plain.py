"""What a hub says, as plain values for JSON: unknown is null."""

from __future__ import annotations

from typing import Any

from hedgerow_nodes.estimators.hub.interface import Card, HubFile, HubModel
from hedgerow_nodes.estimators.hub.names import PREFIX
from hedgerow_nodes.estimators.hub.searching import Answer


def search_object(answer: Answer) -> dict[str, Any]:
    """A search's answer."""
    return {
        "query": answer.query,
        "task": answer.task or None,
        "tasks": [{"id": task, "score": score} for task, score in answer.tasks],
        "models": [{**model_object(found.model), "fit": found.fit} for found in answer.models],
        "explanation": answer.explanation,
    }


def model_object(model: HubModel) -> dict[str, Any]:
    """One model; `required_model` is what a problem says to have it."""
    return {
        "id": model.id,
        "required_model": f"{PREFIX}{model.id}",
        "task": model.task or None,
        "downloads": model.downloads,
        "likes": model.likes,
        "licence": model.licence or None,
        "last_modified": model.last_modified or None,
        "gated": model.gated,
    }


def card_object(card: Card, files: tuple[HubFile, ...]) -> dict[str, Any]:
    """A card with its files."""
    return {
        **model_object(card.model),
        "commit": card.commit,
        "library": card.library or None,
        "base_models": list(card.base_models),
        "datasets": list(card.datasets),
        "languages": list(card.languages),
        "results": [
            {
                "task": result.task or None,
                "metric": result.metric,
                "dataset": result.dataset or None,
                "value": result.value,
                "source": result.source or None,
            }
            for result in card.results
        ],
        "files": [{"name": file.name, "size_bytes": file.size_bytes, "sha256": file.sha256 or None} for file in files],
        "text": card.text,
        "url": card.url,
        "note": card.note or None,
    }
