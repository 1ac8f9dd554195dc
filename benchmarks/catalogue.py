"""The rows: their names, where they are measured, and how long each may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One row of the table of promises.

    Attributes:
        name: what it is called on the command line and at the begin of its lines.
        module: the module whose `measure()` returns its figures.
        budget_s: it is ended after this time.
        is_long: it runs in `make bench-long` only.
        is_serve: it runs in `make bench-serve` only.
    """

    name: str
    module: str
    budget_s: float
    is_long: bool = False
    is_serve: bool = False


ROWS: tuple[Row, ...] = (
    Row("codec", "benchmarks.rows.codec", budget_s=15),
    Row("round trip", "benchmarks.rows.round_trip", budget_s=20),
    Row("throughput", "benchmarks.rows.throughput", budget_s=40),
    Row("ingest", "benchmarks.rows.ingest", budget_s=30),
    Row("tensors", "benchmarks.rows.tensors", budget_s=60),
    Row("pipeline throughput", "benchmarks.rows.pipeline_throughput", budget_s=120),
    Row("pipeline latency", "benchmarks.rows.pipeline_latency", budget_s=100),
    Row("ranking", "benchmarks.rows.ranking", budget_s=20),
    Row("start", "benchmarks.rows.start", budget_s=60),
    Row("advice", "benchmarks.rows.advice", budget_s=120),
    Row("memory", "benchmarks.rows.memory", budget_s=400, is_long=True),
    Row("growth", "benchmarks.rows.growth", budget_s=1500, is_long=True),
    Row("placement", "benchmarks.rows.placement", budget_s=240, is_serve=True),
    Row("partition", "benchmarks.rows.partition", budget_s=120, is_serve=True),
    Row("instances", "benchmarks.rows.instances", budget_s=90, is_serve=True),
    Row("swap", "benchmarks.rows.swap", budget_s=90, is_serve=True),
    Row("recovery", "benchmarks.rows.recovery", budget_s=120, is_serve=True),
    Row("frozen", "benchmarks.rows.frozen", budget_s=120, is_serve=True),
    Row("tracing", "benchmarks.rows.tracing", budget_s=180, is_serve=True),
    Row("served", "benchmarks.rows.served", budget_s=600, is_serve=True),
)

BENCH_S = 590.0
"""All short rows together, repeats included."""

LONG_S = 2_390.0
"""All long rows together, repeats included."""

SERVE_S = 1_690.0
"""All rows of serving together, repeats included."""


def chosen(names: list[str], *, is_long: bool = False, is_serve: bool = False) -> list[Row]:
    """The rows of these names, or without names all of one length, or all of serving.

    Raises:
        KeyError: there is no row of a name.
    """
    if not names:
        return [row for row in ROWS if (row.is_long, row.is_serve) == (is_long, is_serve)]
    by_name = {row.name: row for row in ROWS}
    for name in names:
        if name not in by_name:
            raise KeyError(f"no row is called {name!r}; known: {', '.join(by_name)}")
    return [by_name[name] for name in names]
