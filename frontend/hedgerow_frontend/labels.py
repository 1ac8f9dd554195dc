"""Names of fields and stages as labels for people."""

from __future__ import annotations

# The endings that a label leaves out, because the value beside it shows the unit. The first that fits counts.
_UNSAID = tuple("_flops_per_s _bytes_per_s _per_s _g_per_kwh _kgco2e _gco2e _kwh _bytes _s _j _w _hz _percent".split())


def words(name: str) -> str:
    """A field's name as a label: without its unit, with spaces."""
    ending = next((ending for ending in _UNSAID if name.endswith(ending)), "")
    return name.removesuffix(ending).replace("_", " ")


def path_words(path: str) -> str:
    """A field's path as a label: `parts.GPU.energy_kwh` is `parts GPU energy`."""
    return words(path.replace(".", " "))


def stage_title(name: str) -> str:
    """A stage's name as a heading: `ml_model_provider` is `ML model provider`."""
    first, *rest = ({"ml": "ML", "hw": "HW"}.get(word, word) for word in name.split("_"))
    return " ".join([first[:1].upper() + first[1:], *rest])
