"""The JSON file: every row that was ever measured here, each with its time, its calibration and its bounds."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.calibration import machine
from benchmarks.figures import Figure
from benchmarks.judge import Verdict
from benchmarks.measuring import Measured

LATEST = Path(__file__).parent / "results" / "latest.json"


def record(path: Path, measured: Measured, reference: dict[str, float]) -> None:
    """Put a row into the file; rows of earlier runs stay as they were."""
    content: dict[str, Any] = {"rows": {}}
    if path.exists():
        content = json.loads(path.read_text(encoding="utf-8"))
    content["reference"] = reference
    content["rows"][measured.row.name] = _row(measured)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _row(measured: Measured) -> dict[str, Any]:
    return {
        "ok": measured.is_ok,
        "lines": measured.lines(),
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "took_s": round(measured.took_s, 1),
        "repeats": measured.repeats,
        "calibration": {"before": measured.before, "after": measured.after},
        "slowness": measured.slowness,
        "movement": measured.movement,
        "failure": measured.failure,
        "figures": [_figure(f, v, measured.slowness) for f, v in zip(measured.figures, measured.verdicts, strict=True)],
    }


def _figure(figure: Figure, verdict: Verdict, slowness: float) -> dict[str, Any]:
    return {
        "name": figure.name,
        "value": figure.value,
        "unit": figure.unit,
        "verdict": verdict,
        "bounds": [
            {
                "limit": bound.limit,
                "scaled": bound.at(slowness),
                "direction": "at least" if bound.is_floor else "at most",
                "scaling": bound.scaling,
                "meaning": bound.meaning,
            }
            for bound in figure.bounds
        ],
        "trials": figure.trials,
        "details": figure.details,
    }
