"""The node that chooses a model for a task, runs it here for real, and says why it is the one."""

from __future__ import annotations

import functools
import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import psutil

from hedgerow_idl import AppRequirements, Baselines, HWConstraints, MLModel, MLModelMetadata, UserInput
from hedgerow_nodes.core import ModuleNode, Refusal, run
from hedgerow_nodes.estimators.models import whole_catalogue
from hedgerow_nodes.estimators.models.alternatives import alternatives, in_words
from hedgerow_nodes.estimators.models.answer import answer
from hedgerow_nodes.estimators.models.calibration import Record, calibrate, measure_in_child
from hedgerow_nodes.estimators.models.child_process import ChildCancelled, ChildFailed, ChildTimedOut
from hedgerow_nodes.estimators.models.choice import Choice, choose
from hedgerow_nodes.estimators.models.execution import ExecutionOrder, ExecutionReport, execute
from hedgerow_nodes.estimators.models.sources import Located, SourceRefused, outside_source, source_of
from hedgerow_nodes.estimators.models.variant_answers import without_variant
from hedgerow_nodes.estimators.models.wish import NoModel, gather
from hedgerow_nodes.estimators.quantity_text import quantity

REMEMBERED_RUNS = 64
SHIPPED_BUDGET_S = 0.8  # its other precisions are run as well, and the answer is due within seconds
MEMORY_HEADROOM = 2.0  # loading takes about as much again as the model itself, besides the run time
PUBLISHED_ONLY = "it is known by published figures only, its architecture is not part of Hedgerow"


@dataclass
class Settings:
    """What an operator may set.

    Attributes:
        threads: of calibration and runs. One is what can be repeated on a busy host, and what a small device gives.
        time_budget_s: for the timed runs of one model, loading not counted.
        execution_timeout_s: for a whole execution; a model that needs longer is estimated instead.
        max_executed_bytes: weights above this are not executed but estimated.
        allowed_folders: where required models may be loaded from.
        allow_hub: whether weights may be fetched from the Hugging Face hub.
        candidates: how many different models of the whole catalogue the explanation suggests.
    """

    threads: Annotated[int, msgspec.Meta(ge=1, le=256)] = 1
    time_budget_s: Annotated[float, msgspec.Meta(gt=0, le=60)] = 2.0
    execution_timeout_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 120.0
    max_executed_bytes: Annotated[int, msgspec.Meta(ge=0)] = 1_500_000_000
    allowed_folders: tuple[str, ...] = ()
    allow_hub: bool = False
    candidates: Annotated[int, msgspec.Meta(ge=1, le=50)] = 3


class MLModelProvider(ModuleNode):
    """Choose a model for the task within the limits, run it on this host and explain the choice."""

    kind = "ml_model_provider"
    inputs = (UserInput, MLModelMetadata, AppRequirements, HWConstraints, Baselines)
    output = MLModel
    Configuration = Settings

    # Replaced in tests, which start no process.
    calibrate: Callable[..., Record] = staticmethod(calibrate)
    execute: Callable[..., ExecutionReport] = staticmethod(execute)

    def __init__(self, environment: Any, configuration: Any = None) -> None:
        super().__init__(environment, configuration)
        self._runs: OrderedDict[tuple[str, str, str, str], ExecutionReport] = OrderedDict()

    def process(
        self,
        task: Any,
        user_input: UserInput,
        metadata: MLModelMetadata,
        requirements: AppRequirements,
        constraints: HWConstraints,
        baselines: Baselines,
    ) -> MLModel:
        """Choose, run, explain.

        Raises:
            Refusal: NO_MODEL, where no model is left; MODEL_REFUSED, where the required one cannot be taken.
        """
        catalogue = whole_catalogue.load()
        task.progress(0.05, "calibrating this host")
        calibration = self._calibration(task)
        try:
            wish = gather(user_input, metadata, requirements, constraints, catalogue)
            choice = choose(catalogue, wish, calibration.wire(), allow_hub=self.configuration.allow_hub)
        except NoModel as error:
            raise Refusal("NO_MODEL", str(error)) from error
        others = in_words(
            alternatives(choice.wish, calibration.wire(), user_input.objective, self.configuration.candidates)
        )
        tell = functools.partial(answer, choice, baselines=baselines, others=others)
        if choice.chosen is not None and choice.chosen.model.published_only:
            return tell(weights="none", not_run=PUBLISHED_ONLY)
        task.progress(0.2, "loading the model")
        try:
            located = self._locate(choice)
        except SourceRefused as error:
            raise Refusal("MODEL_REFUSED", str(error)) from error
        obstacle = self._obstacle(choice, located) or without_variant(choice, located)
        if obstacle:
            size = math.nan if choice.chosen else _size_bytes(Path(located.path))
            return tell(weights=located.weights, not_run=obstacle, size_bytes=float(size))
        try:
            report, remembered = self._run(task, choice, located)
        except ChildFailed as error:
            task.log.error("%s; it said:\n%s", error, error.said)
            if choice.chosen is not None:
                raise
            raise Refusal("MODEL_REFUSED", f"{choice.wish.required} cannot be run: {error}") from error
        except ChildTimedOut as error:
            return tell(weights=located.weights, not_run=str(error))
        return tell(weights=located.weights, report=report, remembered=remembered)

    def _calibration(self, task: Any) -> Record:
        def measure(threads: int) -> Any:
            return measure_in_child(threads, lambda: task.cancelled)

        try:
            return self.calibrate(self.environment.home, self.configuration.threads, measure)
        except ChildCancelled:
            task.raise_if_cancelled()
            raise

    def _locate(self, choice: Choice) -> Located:
        if choice.chosen is not None:
            return source_of(choice.chosen.model, allow_hub=self.configuration.allow_hub).locate()
        return outside_source(
            choice.wish.required,
            allowed_folders=tuple(Path(folder) for folder in self.configuration.allowed_folders),
            allow_hub=self.configuration.allow_hub,
            known=tuple(candidate.model.id for candidate in choice.candidates),
        ).locate()

    def _obstacle(self, choice: Choice, located: Located) -> str:
        """Why the model is not to be executed; empty if it is."""
        settings = self.configuration
        if choice.chosen is not None:
            weights, needed = choice.chosen.model.weights_bytes, choice.chosen.model.memory_bytes
        else:
            weights = needed = _size_bytes(Path(located.path))
        if weights > settings.max_executed_bytes:
            allowed = quantity(settings.max_executed_bytes, "B")
            return f"its weights take {quantity(weights, 'B')}, up to {allowed} are executed (max_executed_bytes)"
        free = psutil.virtual_memory().available
        if MEMORY_HEADROOM * needed > free:
            loading = quantity(MEMORY_HEADROOM * needed, "B")
            return f"it needs up to {loading} while it loads, {quantity(free, 'B')} are free"
        return ""

    def _run(self, task: Any, choice: Choice, located: Located) -> tuple[ExecutionReport, bool]:
        """The report, and whether it was remembered from an earlier run under the same calibration."""
        name = choice.chosen.model.id if choice.chosen else choice.wish.required
        key = (name, located.weights, choice.calibration.id, choice.wish.precision)
        # A local file may have changed since.
        if key in self._runs and located.weights != "local":
            self._runs.move_to_end(key)
            return self._runs[key], True
        settings = self.configuration
        order = ExecutionOrder(
            kind=located.kind,
            path=located.path,
            bundled=located.bundled,
            entry=choice.chosen.model if choice.chosen else None,
            precision=choice.wish.precision if located.bundled else "",
            threads=settings.threads,
            budget_s=min(settings.time_budget_s, SHIPPED_BUDGET_S if located.bundled else math.inf),
        )

        def waiting(elapsed_s: float) -> None:
            task.progress(min(0.95, 0.2 + elapsed_s / settings.execution_timeout_s), f"running {name}")

        try:
            report = self.execute(
                order, timeout_s=settings.execution_timeout_s, cancelled=lambda: task.cancelled, waiting=waiting
            )
        except ChildCancelled:
            task.raise_if_cancelled()
            raise
        self._runs[key] = report
        while len(self._runs) > REMEMBERED_RUNS:
            self._runs.popitem(last=False)
        return report, False


def _size_bytes(path: Path) -> int:
    files = path.glob("*.safetensors") if path.is_dir() else (path,)
    return sum(file.stat().st_size for file in files)


if __name__ == "__main__":
    run(MLModelProvider)
