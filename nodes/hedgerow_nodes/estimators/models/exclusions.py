"""By which names a user may leave models out: one model, a family, or a whole kind of architecture."""

from __future__ import annotations

from collections.abc import Iterable

CNN = "cnn"
TRANSFORMER = "transformer"

# The efficiencies' names (data/models.json, traffic.EFFICIENCY_KINDS) begin with the kind of layers.
_KINDS = {
    "dense cnn": CNN,
    "depthwise cnn": CNN,
    "vision transformer": TRANSFORMER,
    "text encoder": TRANSFORMER,
    "audio encoder": TRANSFORMER,
    "generation": TRANSFORMER,
}


def excludes(excluded: Iterable[str], model_id: str, family: str, efficiency: str) -> bool:
    """Whether one of the names means this model; small and capital letters are the same.

    Args:
        excluded: each the model's id, its last part, its family, or `cnn` or `transformer`, in the plural as well.
        efficiency: the kind of layers and the run time, as in `dense cnn, torch`.
    """
    kind = _KINDS.get(efficiency.partition(",")[0], "")
    names = {model_id.lower(), model_id.lower().rpartition("/")[2], family.lower()}
    if kind:
        names |= {kind, f"{kind}s"}
    return any(name.lower() in names for name in excluded)
