"""What requests about serving may carry."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from flask_openapi3.models import RawModel
from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from hedgerow_frontend.bodies import Body, PageQuery, Word

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Blueprint = dict[str, JsonValue]
Seconds = Annotated[float, Field(gt=0, le=300)]


class ServicePath(BaseModel):
    """A service, by its id or its name."""

    service: str


class PreviewPath(ServicePath):
    """The sink of a service that shows what it gets; `handler` is its name in the blueprint."""

    handler: str


class WorkerPath(BaseModel):
    """A worker, by its name or its id."""

    worker: str


class ServiceQuery(BaseModel):
    """Which services."""

    model_config = ConfigDict(extra="forbid")

    deleted: bool = Field(False, description="With those that were deleted.")


class TraceQuery(BaseModel):
    """Which packet of a service."""

    model_config = ConfigDict(extra="forbid")

    sequence: int | None = Field(
        None, ge=0, le=2**63 - 1, description="Its number; the newest that was traced when left out."
    )


class BlueprintRequest(Body):
    """A blueprint to look at."""

    blueprint: Blueprint = Field(description="Handlers, links, networks and placement, as docs/serving.md explains.")


class DeployRequest(BlueprintRequest):
    """A blueprint to run."""

    name: Name | None = Field(None, description="Of the service; the blueprint's when null.")
    start: bool = Field(True, description="Let it work as soon as it is prepared.")


class PlacementRequest(Body):
    """Where a service shall run; with nothing said the placement engine looks anew."""

    placement: dict[str, Word] | None = Field(None, description="Handler: worker.")
    boundaries: dict[str, list[int]] | None = Field(None, description="Network: the layers before which it is cut.")
    dry_run: bool = Field(False, description="Only say what would be done.")


class MigrationRequest(Body):
    """One instance to move."""

    handler: Name = Field(description="Its name in the blueprint.")
    replica: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = Field(None, description="Which; 0 when null.")
    to: Name = Field(description="The worker, by its name or id.")


class InferRequest(Body):
    """One input for a service."""

    input: dict[str, JsonValue] = Field(description='A value with its `type`, such as `{"type": "record", ...}`.')
    timeout_s: Seconds = Field(10.0, description="How long the result may take.")


class InferQuery(BaseModel):
    """How long the result of a raw input may take."""

    model_config = ConfigDict(extra="forbid")

    timeout_s: Seconds = 10.0


class InferBody(RawModel):
    """JSON as `InferRequest`, or the bytes of one encoded image."""

    mimetypes = ["application/json", "image/jpeg", "image/png", "application/octet-stream"]  # noqa: RUF012 - as its base


class ModelBody(RawModel):
    """An ONNX file."""

    mimetypes = ["application/octet-stream"]  # noqa: RUF012 - as its base


class PolicyRequest(Body):
    """Why a worker is cordoned or drained."""

    reason: Word = ""


class MeasureRequest(Body):
    """Between which workers."""

    workers: Annotated[list[Name], Field(min_length=2, max_length=256)] | None = Field(
        None, description="Names or ids; all when null."
    )


class TelemetryPath(BaseModel):
    """A kind of rows."""

    kind: Literal["sys_info", "proc_info", "packet_info"]


class TelemetryQuery(PageQuery):
    """A page of telemetry rows; whatever is left out filters nothing."""

    service: str = Field("", max_length=200, description="Its name or id.")
    worker: str = Field("", max_length=200, description="Its name or id.")
    handler: str = Field("", max_length=200, description="Its name or logical id.")
    since: float | None = Field(None, ge=0, le=2**37, description="Seconds since the Unix epoch.")
    until: float | None = Field(None, ge=0, le=2**37, description="Rows before this moment.")
    sequence: int | None = Field(None, ge=0, le=2**63 - 1, description="Of `packet_info`: one item.")
    event: Literal["", "start", "end", "sent", "recv", "drop"] = Field("", description="Of `packet_info`: one kind.")


def said(body: Body) -> dict[str, Any]:
    """The fields that say something, as plain JSON."""
    return body.model_dump(exclude_none=True)
