"""What a request for a comparison, a drawing or an export may carry."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

COMPARED_MAX = 16


def _some(names: list[str]) -> list[str]:
    unlike = list(dict.fromkeys(names))
    if not 2 <= len(unlike) <= COMPARED_MAX:
        raise PydanticCustomError(
            "some_tasks",
            "{found} named; name 2 to {most} different iterations, each as problem.iteration such as 1.2",
            {"found": len(unlike), "most": COMPARED_MAX},
        )
    return unlike


TaskName = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,9}\.[1-9][0-9]{0,9}$")]


class ComparisonQuery(BaseModel):
    """Which iterations to put side by side."""

    model_config = ConfigDict(extra="forbid")

    task: Annotated[list[TaskName], AfterValidator(_some)] = Field(
        description="Iterations as `problem.iteration`, such as `1.2`; 2 to 16 of them, of any problems."
    )
    differences: bool = Field(False, description="Only rows in which they do not all say the same.")


class ParetoQuery(BaseModel):
    """Against which cost the accuracy is drawn."""

    model_config = ConfigDict(extra="forbid")

    x: Literal["latency", "energy", "memory", "flops"] = "latency"


class ExportQuery(BaseModel):
    """As which kind of file."""

    model_config = ConfigDict(extra="forbid")

    format: Literal["json", "csv", "md", "html"] = "json"
