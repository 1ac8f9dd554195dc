"""Accuracy of the digits model that ships, at each of its precisions, on the digits that it was not trained on.

`python -m hedgerow_nodes.estimators.validation.digits` needs scikit-learn for the labelled digits; the split is that of
tools/digits_classifier.py.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hedgerow_nodes.estimators.models.bundled_weights import checked_path, checked_variant_path, entry
from hedgerow_nodes.estimators.onnx_runtime import session

FILE = "digits-mlp.onnx"
SEED = 20260101
HELD_OUT = 0.2
Z95 = 1.959964


def wilson(right: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson, Journal of the American Statistical Association 22, 1927).

    Raises:
        ValueError: nothing was counted.
    """
    if of < 1:
        raise ValueError(f"{of} cases; at least one is needed")
    share, spread = right / of, Z95**2 / of
    middle = (share + spread / 2) / (1 + spread)
    half = Z95 * math.sqrt(share * (1 - share) / of + spread / (4 * of)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def right_answers(path: Path, pixels: Any, digits: Any) -> int:
    """How many digits a model tells right."""
    loaded = session(path, 1)
    name = loaded.get_inputs()[0].name
    told = [int(np.argmax(loaded.run(None, {name: one[None].astype(np.float32)})[0])) for one in pixels]
    return sum(one == other for one, other in zip(told, digits, strict=True))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one row for each precision; 2 where scikit-learn is not installed."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args(
        arguments
    )
    try:
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split
    except ImportError:
        print("the labelled digits are scikit-learn's; install scikit-learn", file=sys.stderr)
        return 2
    pixels, digits = load_digits(return_X_y=True)
    _, unseen, _, truth = train_test_split(
        pixels / 16.0, digits, test_size=HELD_OUT, random_state=SEED, stratify=digits
    )
    item = entry(FILE)
    print(f"The catalogue states {item.measured_accuracy['value']:.4f}.")
    print("| precision | right | of | accuracy | 95 % (Wilson) |\n|---|---|---|---|---|")
    files = [("float32", checked_path(FILE)), *((one.name, checked_variant_path(one)) for one in item.variants)]
    for name, path in files:
        right = right_answers(path, unseen, truth)
        low, high = wilson(right, len(truth))
        print(f"| {name} | {right} | {len(truth)} | {right / len(truth):.4f} | {low:.3f} to {high:.3f} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
