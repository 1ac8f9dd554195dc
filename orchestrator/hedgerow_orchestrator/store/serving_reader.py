"""What the reader tells of serving: services, epochs, instances, workers, handlers, intents."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from sqlalchemy import Select

from hedgerow_orchestrator.store import serving_queries, serving_views
from hedgerow_orchestrator.store.views import View


class ServingReader(ABC):
    """The part of `StoreReader` about serving; each method may raise what those of `StoreReader` raise."""

    @abstractmethod
    def _rows(self, query: Select[Any]) -> list[dict[str, Any]]:
        """What a query gives, read from the store as it is at one moment."""

    def services(self, *, deleted: bool = False) -> list[View]:
        """List services, newest first; those that were deleted only with `deleted`."""
        return [serving_views.service_light(row) for row in self._rows(serving_queries.services(deleted=deleted))]

    def service(self, name_or_id: str) -> View | None:
        """Give a service with blueprint, plan and instances; of several with one name the one not deleted, or newest.

        Its keys are those of `serving_views.service_whole`.
        """
        rows = self._rows(serving_queries.one_service(name_or_id))
        if not rows:
            return None
        service_id = rows[0]["service_id"]
        epochs = self._rows(serving_queries.epochs(service_id))
        return serving_views.service_whole(rows[0], epochs, self._rows(serving_queries.instances(service_id)))

    def service_epochs(self, service_id: str) -> list[View]:
        """List the epochs of a service, newest first, with their plans."""
        return [serving_views.epoch_whole(row) for row in self._rows(serving_queries.epochs(service_id))]

    def service_instances(self, service_id: str) -> list[View]:
        """List every start of every handler of a service, newest first."""
        return [serving_views.instance_view(row) for row in self._rows(serving_queries.instances(service_id))]

    def workers(self) -> list[View]:
        """List the workers that were ever seen, by name."""
        return [serving_views.worker_view(row) for row in self._rows(serving_queries.workers())]

    def worker(self, name_or_id: str) -> View | None:
        """Give a worker; of several with one name one that is there, then the one seen last."""
        rows = self._rows(serving_queries.workers(name_or_id))
        return serving_views.worker_view(rows[0]) if rows else None

    def handlers(self) -> list[View]:
        """List what the workers that are there can run: the union of their catalogues, with the workers' names."""
        return serving_views.handler_views(self.workers())

    def intents(self, *, pending: bool = False) -> list[View]:
        """List wishes about placements, newest first; with `pending` only those of which nothing has become yet."""
        return [serving_views.intent_view(row) for row in self._rows(serving_queries.intents(pending=pending))]
