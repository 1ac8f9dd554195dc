"""A data set's profile in words."""

from __future__ import annotations

from hedgerow_nodes.estimators.datasets.message_text import message_text
from hedgerow_nodes.estimators.datasets.profile import DatasetProfile, Format

COLUMNS_SHOWN = 12
CLASSES_SHOWN = 5
LONGEST_VALUE = 40


def explain(profile: DatasetProfile) -> str:
    """What the data set holds, in a few sentences."""
    unit = "images" if profile.format is Format.IMAGES else "rows"
    said = [f"The data set {profile.name} ({profile.format}) has {_count(profile, unit)}{_columns(profile)}."]
    if profile.columns:
        cells = profile.rows_read * len(profile.columns)
        gaps = ", ".join(f"{_short(c.name)} {c.missing}" for c in profile.columns if c.missing)
        said.append(f"Missing values: {profile.missing} of {cells}{f' ({_cut(gaps)})' if gaps else ''}.")
    if profile.target is not None:
        said.append(f"To be predicted is probably “{_short(profile.target.name)}”: {profile.target.why}.")
    if profile.balance:
        total = sum(count for _, count in profile.balance)
        shares = [f"{_short(value)} {count / total:.0%}" for value, count in profile.balance[:CLASSES_SHOWN]]
        more = len(profile.balance) - len(shares)
        said.append(f"Its classes: {', '.join(shares)}{f' and {more} more' if more > 0 else ''}.")
    if profile.imbalanced:
        said.append(
            f"One class has {profile.largest_share:.0%}, so that accuracy says little: a model that always names it "
            "would be as accurate."
        )
    said.extend(profile.remarks)
    speaks = f"speaks for {' or '.join(profile.tasks)}" if profile.tasks else "speaks for no task"
    return " ".join([*said, f"It {speaks}."])


def _count(profile: DatasetProfile, unit: str) -> str:
    if profile.rows is not None:
        return f"{profile.rows} {unit}"
    if profile.rows_about is not None:
        return f"about {profile.rows_about} {unit} (estimated from the {profile.rows_read} read)"
    return f"at least {profile.rows_read} {unit}"


def _columns(profile: DatasetProfile) -> str:
    columns = profile.columns
    if not columns:
        return ""
    listed = ", ".join(f"{_short(column.name)} ({column.kind})" for column in columns[:COLUMNS_SHOWN])
    more = len(columns) - COLUMNS_SHOWN
    return f" and {len(columns)} columns: {listed}{f' and {more} more' if more > 0 else ''}"


def _short(value: str) -> str:
    return message_text(value, LONGEST_VALUE)


def _cut(text: str, longest: int = 300) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
