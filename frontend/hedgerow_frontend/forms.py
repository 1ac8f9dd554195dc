"""The forms of the pages: read into the bodies of the REST interface, and filled from what was asked before."""

from __future__ import annotations

import hashlib
import math
import secrets
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from hedgerow_frontend.bodies import IterationRequest, ProblemRequest
from hedgerow_frontend.formatting import is_number
from hedgerow_frontend.loop_form import LOOP_FIELDS, form_name, loop_asked, loop_filled, loop_of
from hedgerow_frontend.validation import field_errors

WORDS = (
    "text",
    "goal",
    "modality",
    "location",
    "objective",
    "required_model",
    "required_device",
    "functional_unit",
    "precision",
)
LISTS = ("inputs", "outputs", "excluded_models")
# Field of the form: field of the body, and how many of the body's unit one of the form's is.
SCALED: Mapping[str, tuple[str, float]] = MappingProxyType(
    {
        "max_latency_ms": ("max_latency_s", 1e-3),
        "max_memory_mb": ("max_memory_bytes", 1e6),
        "max_gco2e": ("max_carbon_gco2e", 1.0),
        "inferences_per_year": ("inferences_per_year", 1.0),
        "intensity_g_per_kwh": ("intensity_g_per_kwh", 1.0),
        "training_samples": ("training_samples", 1.0),
        "epochs": ("epochs", 1.0),
    }
)
_FORM_NAME: Mapping[str, str] = MappingProxyType({field: name for name, (field, _) in SCALED.items()})

Form = Mapping[str, str]


class FormError(Exception):
    """A form that cannot be used; `messages` says why, field by field of the form."""

    def __init__(self, messages: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {message}" for name, message in messages.items()))
        self.messages = messages


def read_problem(form: Form) -> ProblemRequest:
    """The problem that a form describes; what was left empty is left open.

    Raises:
        FormError: a field cannot be used.
    """
    said = {name: value for name, value in _values(form).items() if value not in (None, "", [])}
    try:
        return ProblemRequest.model_validate(said)
    except ValidationError as error:
        raise _form_error(error) from None


def read_iteration(form: Form, asked: Mapping[str, Any], from_iteration: int) -> IterationRequest:
    """The changes that a form makes to what was asked before; an emptied field takes back what was said.

    Raises:
        FormError: a field cannot be used.
    """
    before = {**asked, "optimization": loop_asked(asked)}
    changes = {name: value for name, value in _values(form).items() if not _same(value, before.get(name))}
    if changes.get("optimization"):
        # A form shows the whole of it, so what is empty is taken back.
        changes["optimization"] = dict.fromkeys(LOOP_FIELDS) | changes["optimization"]
    try:
        return IterationRequest.model_validate({"from_iteration": from_iteration, **changes})
    except ValidationError as error:
        raise _form_error(error) from None


def filled(asked: Mapping[str, Any]) -> dict[str, str]:
    """What was asked, as the values of a form."""
    values = {name: str(asked.get(name) or "") for name in WORDS}
    values |= {name: ", ".join(asked.get(name) or []) for name in LISTS}
    for name, (field, scale) in SCALED.items():
        value = asked.get(field)
        values[name] = f"{value / scale:.12g}" if is_number(value) else ""
    return values | loop_filled(asked)


def new_nonce() -> str:
    """A text that makes this showing of a form unlike any other."""
    return secrets.token_hex(8)


def idempotency_key(form: Form) -> str:
    """The same for the same showing of a form with the same content: a double click submits once."""
    content = "\0".join(f"{name}={form[name]}" for name in sorted(form.keys()))
    return f"form-{hashlib.sha256(content.encode()).hexdigest()[:32]}"


def _values(form: Form) -> dict[str, Any]:
    values: dict[str, Any] = {name: form.get(name, "").replace("\r\n", "\n").strip() for name in WORDS}
    for name in LISTS:
        entries = form.get(name, "").replace("\r\n", ",").replace("\n", ",").split(",")
        values[name] = [entry.strip() for entry in entries if entry.strip()]
    wrong = {}
    for name, (field, scale) in SCALED.items():
        text = form.get(name, "").strip()
        try:
            values[field] = float(text) * scale if text else None
        except ValueError:
            wrong[name] = f"{text!r} is no number; write it as 100 or 0.5"
    loop, wrong_loop = loop_of(form)
    if wrong or wrong_loop:
        raise FormError(wrong | wrong_loop)
    values["optimization"] = loop
    return values


def _same(value: object, before: object) -> bool:
    if is_number(value) and is_number(before):
        return math.isclose(value, before, rel_tol=1e-9)
    return (value or None) == (before or None)


def _form_error(error: ValidationError) -> FormError:
    messages: dict[str, str] = {}
    for found in field_errors(error):
        name = found.field.partition("[")[0]
        messages.setdefault(_FORM_NAME.get(name, form_name(name)), found.message)
    return FormError(messages)
