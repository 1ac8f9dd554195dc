"""What is known of a required model of a hub before its weights are fetched, as an entry of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from hedgerow_idl import MLModel
from hedgerow_nodes.estimators.hub.counting import Counted
from hedgerow_nodes.estimators.hub.interface import Card, CardResult
from hedgerow_nodes.estimators.hub.names import HubName
from hedgerow_nodes.estimators.hub.safetensors_header import Contents
from hedgerow_nodes.estimators.models.catalogue import Accuracy, Catalogue, CatalogueModel, Precision, Weights
from hedgerow_nodes.estimators.quantity_text import quantity

_PRECISIONS: dict[str, Precision] = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}
# Buffers that are saved with the weights, and matrices that are saved twice, make the two counts differ a little.
AGREEMENT = 1.25
_FRACTIONS = ("accuracy", "acc", "f1", "precision", "recall", "exact_match")


@dataclass(frozen=True)
class Finding:
    """A required model of the hub.

    Attributes:
        required: the name as the user wrote it, under which it is listed.
        entry: what it would cost; None where that could not be counted, and `problem` says why.
        weights_bytes: of the files with its weights.
    """

    required: str
    name: HubName
    card: Card
    contents: Contents
    weights_bytes: int
    entry: CatalogueModel | None
    problem: str

    @property
    def why_not_run(self) -> str:
        """Why it cannot be run here whatever its size; empty if it can."""
        return "" if self.entry is not None else f"what it costs could not be counted: {self.problem}"

    def added_to(self, catalogue: Catalogue) -> Catalogue:
        """The catalogue with this model in it, if its cost is known."""
        if self.entry is None:
            return catalogue
        return msgspec.structs.replace(catalogue, models=(*catalogue.models, self.entry))

    def completing(self, made: MLModel) -> MLModel:
        """The answer, with what the headers say where nothing else was known."""
        if self.entry is None:
            made.parameters = self.contents.parameters
            made.precision = precision_of(self.contents)
            made.weights_bytes = float(self.contents.size_bytes)
            made.counted_by = "the headers of its safetensors files"
        return made

    def sentences(self) -> list[str]:
        """What the hub says of it, for the explanation of an answer."""
        card, model = self.card, self.card.model
        spread = ", ".join(f"{quantity(n, '')} as {dtype}" for dtype, n in sorted(self.contents.numbers.items()))
        said = [
            f"{model.id} was looked up on the hub at commit {card.commit[:12]} ({card.url}).",
            f"The headers of its safetensors files ({quantity(self.weights_bytes, 'B')}) hold {spread}.",
            f"Its card states the licence {model.licence}." if model.licence else "Its card states no licence.",
            f"The card's task is {model.task}." if model.task else "Its card names no task.",
        ]
        if card.results:
            first = best_result(card.results, model.task)
            where = first.dataset or "an unnamed data set"
            source = f" ({first.source})" if first.source else ""
            said.append(f"Its authors state {first.metric} {first.value:g} on {where}{source}; nobody checked it here.")
        else:
            said.append("Its card states no result.")
        if card.note:
            said.append(f"The facts are {card.note}.")
        return said


def precision_of(contents: Contents) -> Precision:
    """The precision in which the model comes; numbers of another kind are taken as float32, as they would be run."""
    return _PRECISIONS.get(contents.usual_dtype, "float32")


def entry_of(required: str, card: Card, contents: Contents, counted: Counted, task: str) -> CatalogueModel:
    """The model as an entry of the catalogue; `task` is taken where the card names none.

    Raises:
        ValueError: nothing was counted.
    """
    if counted.architecture is None:
        raise ValueError(f"{required} was not counted: {counted.problem}")
    where = f"{card.url} at commit {card.commit}, config.json"
    architecture = msgspec.structs.replace(counted.architecture, published=where)
    return CatalogueModel(
        id=required,
        family=architecture.model,
        efficiency=counted.efficiency,
        tasks=(card.model.task or task,),
        inference=counted.inference,
        parameters=counted.parameters,
        flops=counted.flops,
        activation_bytes=counted.activation_bytes,
        moved_bytes=counted.moved_bytes,
        counted_by=f"{counted.counted_by}; {where}",
        inputs=counted.inputs,
        precision=precision_of(contents),
        architecture=architecture,
        generation=counted.generation,
        accuracy=accuracy_of(card),
        weights=Weights(kind="hub", licence=card.model.licence),
    )


def disagreement(counted: Counted, contents: Contents) -> str:
    """Why a count cannot be that of the weights: they have another size; empty if they agree."""
    if contents.parameters and 1 / AGREEMENT <= counted.parameters / contents.parameters <= AGREEMENT:
        return ""
    built, saved = quantity(counted.parameters, ""), quantity(contents.parameters, "")
    return f"its config.json makes a network of {built} parameters, its weights have {saved}"


def accuracy_of(card: Card) -> Accuracy | None:
    """The result that the card states for its own task, else its first; percentages of plain rates as fractions."""
    if not card.results:
        return None
    found = best_result(card.results, card.model.task)
    value, note = found.value, ""
    if found.metric.lower().replace(" ", "_") in _FRACTIONS and 1 < value <= 100:
        value, note = value / 100, f", stated as {found.value:g}"
    metric = f"{found.dataset} {found.metric}".strip()
    return Accuracy(
        metric=metric, value=value, source=f"model-index of {card.url}, {found.source or 'no source'}{note}"
    )


def best_result(results: tuple[CardResult, ...], task: str) -> CardResult:
    """Of the results for the card's task those with a plain rate first; else the first that is stated."""
    return min(results, key=lambda r: (r.task != task, r.metric.lower().replace(" ", "_") not in _FRACTIONS))
