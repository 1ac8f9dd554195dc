"""The node that chooses a model for a task, runs it here for real, and says why it is the one."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hedgerow_idl import AppRequirements, Baselines, HWConstraints, MLModel, MLModelMetadata, UserInput
from hedgerow_nodes.core import ModuleNode, Refusal, run
from hedgerow_nodes.estimators.hub.counting import count
from hedgerow_nodes.estimators.hub.desk import HubDesk, open_hub
from hedgerow_nodes.estimators.hub.finding import Finding
from hedgerow_nodes.estimators.hub.interface import DownloadCancelled, HubError, HubUnreachable
from hedgerow_nodes.estimators.hub.names import is_hub_name
from hedgerow_nodes.estimators.hub.remembered_counts import RememberedCounts
from hedgerow_nodes.estimators.models import whole_catalogue
from hedgerow_nodes.estimators.models.alternatives import alternatives, in_words
from hedgerow_nodes.estimators.models.answer import answer
from hedgerow_nodes.estimators.models.calibration import Record, calibrate, measure_in_child
from hedgerow_nodes.estimators.models.child_process import ChildCancelled, ChildFailed, ChildTimedOut
from hedgerow_nodes.estimators.models.choice import Choice, choose
from hedgerow_nodes.estimators.models.execution import ExecutionReport, execute
from hedgerow_nodes.estimators.models.obstacles import obstacle, size_of_unknown
from hedgerow_nodes.estimators.models.orders import order_of, time_for_run_s
from hedgerow_nodes.estimators.models.provider_settings import Settings
from hedgerow_nodes.estimators.models.remembered_runs import RememberedRuns
from hedgerow_nodes.estimators.models.sources import Located, SourceRefused, outside_source, source_of
from hedgerow_nodes.estimators.models.variant_answers import without_variant
from hedgerow_nodes.estimators.models.wish import NoModel, gather

UNFETCHED = Located(kind="folder", weights="hub")
PUBLISHED_ONLY = "it is known by published figures only, its architecture is not part of Hedgerow"


class MLModelProvider(ModuleNode):
    """Choose a model for the task within the limits, run it on this host and explain the choice."""

    kind = "ml_model_provider"
    inputs = (UserInput, MLModelMetadata, AppRequirements, HWConstraints, Baselines)
    output = MLModel
    Configuration = Settings

    # Replaced in tests, which start no process.
    calibrate: Callable[..., Record] = staticmethod(calibrate)
    execute: Callable[..., ExecutionReport] = staticmethod(execute)
    count: Callable[..., Any] = staticmethod(count)

    def __init__(self, environment: Any, configuration: Any = None) -> None:
        super().__init__(environment, configuration)
        self._runs = RememberedRuns()
        self._counts = RememberedCounts(self.count)

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
            Refusal: NO_MODEL, where no model is left; MODEL_REFUSED, where the required one cannot be taken, and the
                codes of the hub, where it is to come from there.
        """
        finding = self._from_hub(task, user_input.required_model, metadata)
        catalogue = whole_catalogue.load() if finding is None else finding.added_to(whole_catalogue.load())
        task.progress(0.05, "calibrating this host")
        calibration = self._calibration(task)
        try:
            wish = gather(user_input, metadata, requirements, constraints, catalogue)
            choice = choose(catalogue, wish, calibration.wire(), allow_hub=self.configuration.allow_hub)
        except NoModel as error:
            raise Refusal("NO_MODEL", str(error)) from error
        n = self.configuration.candidates
        others = in_words(alternatives(choice.wish, calibration.wire(), user_input.objective, n))
        told = [] if finding is None else finding.sentences()
        tell = functools.partial(answer, choice, baselines=baselines, others=[*told, *others])
        if finding is not None and (reason := self._desk(task).why_not_run(finding) or self._obstacle(choice)):
            return finding.completing(tell(weights="hub", not_run=reason))
        if choice.chosen is not None and choice.chosen.model.published_only:
            return tell(weights="none", not_run=PUBLISHED_ONLY)
        task.progress(0.2, "loading the model")
        try:
            located = self._locate(choice) if finding is None else self._fetched(task, finding)
        except SourceRefused as error:
            raise Refusal("MODEL_REFUSED", str(error)) from error
        except HubUnreachable as error:
            return tell(weights="hub", not_run=f"its weights did not come: {error}; the next try goes on from there")
        if reason := self._obstacle(choice, located):
            return tell(weights=located.weights, not_run=reason, size_bytes=size_of_unknown(choice, located))
        try:
            report, remembered = self._run(task, choice, located)
        except ChildFailed as error:
            task.log.error("%s; it said:\n%s", error, error.said)
            if finding is not None:
                return tell(weights="hub", not_run=f"it failed when it was run: {error}")
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
            home = self.environment.home if self.configuration.allow_hub else None
            return source_of(choice.chosen.model, home, self.configuration.hub_endpoint).locate()
        return outside_source(
            choice.wish.required,
            allowed_folders=tuple(Path(folder) for folder in self.configuration.allowed_folders),
            known=tuple(candidate.model.id for candidate in choice.candidates),
        ).locate()

    def _obstacle(self, choice: Choice, located: Located = UNFETCHED) -> str:
        most_bytes = self.configuration.max_executed_bytes
        return obstacle(choice, located, most_bytes) or without_variant(choice, located)

    def _desk(self, task: Any) -> HubDesk:
        settings = self.configuration
        hub = open_hub(self.environment.home, settings.hub_endpoint)
        return HubDesk(hub, settings.hub_timeout_s, settings.hub_run_max_bytes, lambda: task.cancelled)

    def _from_hub(self, task: Any, required: str, metadata: MLModelMetadata) -> Finding | None:
        """What the hub has under the required name; None where that is no name of the hub."""
        if not is_hub_name(required):
            return None
        wanted = metadata.tasks[0].id if metadata.tasks else ""
        task.progress(0.02, "asking the hub")
        with _refusals(task, required):
            return self._desk(task).look_up(required.strip(), wanted, self._counts)

    def _fetched(self, task: Any, finding: Finding) -> Located:
        def progress(share: float) -> None:
            task.progress(0.2 + 0.3 * share, "fetching the weights from the hub")

        with _refusals(task, finding.required, (HubUnreachable,)):
            folder = self._desk(task).folder(finding.name, progress)
        return Located(kind="folder", weights="hub", path=str(folder))

    def _run(self, task: Any, choice: Choice, located: Located) -> tuple[ExecutionReport, bool]:
        """The report, and whether it was remembered from an earlier run under the same calibration."""
        name = choice.chosen.model.id if choice.chosen else choice.wish.required
        # The folder of a model of the hub has its commit in its path.
        key = (name, located.path or located.weights, choice.calibration.id, choice.wish.precision)
        # A local file may have changed since.
        known = self._runs.find(key) if located.weights != "local" else None
        if known is not None:
            return known, True
        settings = self.configuration
        order = order_of(choice, located, settings)

        def waiting(elapsed_s: float) -> None:
            task.progress(min(0.95, 0.2 + elapsed_s / settings.execution_timeout_s), f"running {name}")

        try:
            left_s = time_for_run_s(settings, task.deadline_at_s)
            report = self.execute(order, timeout_s=left_s, cancelled=lambda: task.cancelled, waiting=waiting)
        except ChildCancelled:
            task.raise_if_cancelled()
            raise
        self._runs.remember(key, report)
        return report, False


@contextlib.contextmanager
def _refusals(task: Any, required: str, passing: tuple[type[HubError], ...] = ()) -> Iterator[None]:
    """Refuse what the hub does not give, besides what the caller has another answer to."""
    try:
        yield
    except passing:
        raise
    except (DownloadCancelled, ChildCancelled):
        task.raise_if_cancelled()
        raise
    except HubError as error:
        raise Refusal(error.code, f"{required}: {error}") from error


if __name__ == "__main__":
    run(MLModelProvider)
