"""Choose a model: the same wish and the same calibration always give the same answer.

The rule, in this order: within every limit; where the words ask for a special form of the task, such as faces, a
model for that form (without such words it is out); where a quality is wanted, a published one that reaches it; weights
at hand, so that the answer can be used today; an architecture at hand, so that a run can check the estimate; a
published accuracy, so that it can be judged; the least time on this host by the stored calibration, which on the same
threads is the least energy as well, and so the rule for each of the objectives carbon, energy and latency; the id.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from hedgerow_idl import Calibration
from hedgerow_nodes.estimators.interval import Interval
from hedgerow_nodes.estimators.models.candidate_costs import latency, memory
from hedgerow_nodes.estimators.models.catalogue import Catalogue, CatalogueModel
from hedgerow_nodes.estimators.models.exclusions import excludes
from hedgerow_nodes.estimators.models.limits import Breach, judge
from hedgerow_nodes.estimators.models.precisions import at_precision
from hedgerow_nodes.estimators.models.wish import NoModel, Wish

RULE = (
    "within the limits; then the form of the task that the words name; then a wanted quality that is published; then "
    "weights at hand; then what can be built and timed here; then a published accuracy; then least time by the "
    "calibration; then id"
)


@dataclass(frozen=True)
class Candidate:
    """A model that does the task, what it would take here, and why it is out, if it is.

    `model` is at the precision that was asked for, `comes_at` the one in which it comes.
    """

    model: CatalogueModel
    latency_s: Interval
    memory_bytes: Interval
    weights: str
    breaches: tuple[Breach, ...] = ()
    remarks: tuple[str, ...] = ()
    unjudged: bool = False
    another_form: bool = False
    comes_at: str = "float32"

    @property
    def rejected(self) -> str:
        """Why it is out, in words; empty if it is in."""
        return "; ".join(breach.text for breach in self.breaches)

    @property
    def rank(self) -> tuple[bool, bool, bool, bool, bool, bool, float, str]:
        """What the rule sorts by, smallest first."""
        model, no_weights = self.model, self.weights == "none"
        rest = (model.accuracy is None, self.latency_s.value, model.id)
        return bool(self.breaches), self.another_form, self.unjudged, no_weights, model.published_only, *rest


@dataclass(frozen=True)
class Choice:
    """The answer and its context. `chosen` is None where a model from outside the catalogue is required."""

    wish: Wish
    calibration: Calibration
    candidates: tuple[Candidate, ...]
    chosen: Candidate | None

    @property
    def runners_up(self) -> tuple[Candidate, ...]:
        """The candidates within the limits that were not chosen, best first."""
        return tuple(c for c in self.candidates if not c.breaches and c is not self.chosen)


def choose(catalogue: Catalogue, wish: Wish, calibration: Calibration, *, allow_hub: bool = False) -> Choice:
    """Choose by the rule; a required model of the catalogue wins whatever it breaks, and its breaches stay with it.

    Raises:
        NoModel: no candidate is left, or there never was one; the message counts why.
    """
    models = catalogue.for_task(wish.task)
    candidates = tuple(
        sorted((_candidate(model, wish, calibration, allow_hub) for model in models), key=lambda c: c.rank)
    )
    if wish.required:
        required = catalogue.get(wish.required)
        if required is None:
            return Choice(wish, calibration, candidates, None)
        found = next((c for c in candidates if c.model.id == required.id), None)
        if found is None:
            found = _candidate(required, wish, calibration, allow_hub)
            candidates = (found, *candidates)
        return Choice(wish, calibration, candidates, found)
    if not candidates or candidates[0].breaches:
        raise NoModel(_why_none(candidates, wish))
    return Choice(wish, calibration, candidates, candidates[0])


def _candidate(model: CatalogueModel, wish: Wish, calibration: Calibration, allow_hub: bool) -> Candidate:
    comes_at = model.precision
    model = at_precision(model, wish.precision)
    latency_s, memory_bytes = latency(model, calibration), memory(model)
    verdict = judge(model, latency_s, memory_bytes, wish.limits, wish.latency_note)
    breaches = verdict.breaches
    if excludes(wish.excluded, model.id, model.family, model.efficiency):
        breaches = (Breach("excluded", "excluded by the user"), *breaches)
    if wish.task not in model.tasks:
        text = f"listed for {', '.join(model.tasks)}, not for {wish.task or 'an unknown task'}"
        breaches = (Breach("for another task", text), *breaches)
    if model.special and model.special != wish.special and wish.task in model.tasks:
        text = f"it finds {model.special} only, and the problem's words do not ask for these"
        breaches = (Breach("for another form of the task", text), *breaches)
    remarks = verdict.remarks
    another_form = bool(wish.special) and model.special != wish.special
    if another_form:
        remarks = (f"the words ask for {wish.special}; whether it finds these is not known", *remarks)
    fetched = allow_hub and model.weights.kind == "none" and not model.published_only
    weights = "hub" if fetched else model.weights.kind
    return Candidate(
        model, latency_s, memory_bytes, weights, breaches, remarks, verdict.unjudged, another_form, comes_at
    )


def _why_none(candidates: tuple[Candidate, ...], wish: Wish) -> str:
    count = Counter(candidate.breaches[0].kind for candidate in candidates)
    groups = []
    for kind, number in count.most_common():
        best = next(c for c in candidates if c.breaches[0].kind == kind)
        groups.append(f"{number} {kind} (best: {best.model.id}, {best.breaches[0].text})")
    why = "; ".join(groups)
    return f"of {len(candidates)} models for {wish.task} none is left: {why}. Loosen a limit or an exclusion"
