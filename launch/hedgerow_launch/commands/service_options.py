"""Arguments that several commands about serving share."""

from __future__ import annotations

from typing import Annotated

import typer

ServiceName = Annotated[str, typer.Argument(metavar="SERVICE", help="The service's name or id.")]
WorkerName = Annotated[str, typer.Argument(metavar="WORKER", help="The worker's name or id.")]
