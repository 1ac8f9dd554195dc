"""What the pages do with files: ask a service about one input, and keep a model for blueprints."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, BinaryIO, cast

from flask import Blueprint, flash, make_response, redirect, request, url_for
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from hedgerow_frontend.problem_details import ApiError, field_error
from hedgerow_frontend.security import POLICY_WITH_PICTURES
from hedgerow_frontend.services import services
from hedgerow_frontend.serving.asked import asking
from hedgerow_frontend.serving.inference_api import infer_once, keep_model
from hedgerow_frontend.serving.inputs import FORM_BYTES, reading
from hedgerow_frontend.serving.lookups import find_service
from hedgerow_frontend.serving.messages import messages_of
from hedgerow_frontend.serving.pages import service_page, services_page
from hedgerow_frontend.serving.pictures import SHOWN_MAX_BYTES, data_uri
from hedgerow_frontend.serving.results import result_of
from hedgerow_frontend.serving.typed_inputs import JSON_MAX_BYTES, input_in_file, size_of, typed_input

MOST_WAIT_S = 120.0

blueprint = Blueprint("asking_actions", __name__)


@blueprint.post("/services/<service>/infer")
def ask(service: str) -> Response | tuple[str, int]:
    """Put the input of the form into a service, and show what came out on its page."""
    found = find_service(service)
    values: dict[str, str] = {}
    try:
        with reading("file", services().settings.input_max_bytes, FORM_BYTES + JSON_MAX_BYTES):
            request.max_form_memory_size = JSON_MAX_BYTES
            form, file = request.form, request.files.get("file")
        values = {name: form.get(name, "") for name in ("kind", "value", "timeout_s")}
        timeout_s = _seconds(values["timeout_s"])
        picture = _picture(file)
        is_file = file is not None and bool(file.filename)
        value = input_in_file(file) if file and is_file else typed_input(values["kind"], values["value"])
        _check_type("file" if is_file else "kind", str(value.get("type", "record")), found)
        answer = infer_once(found["service_id"], value, timeout_s)
    except ApiError as error:
        page = service_page(found["service_id"], {}, ask_values=values, ask_messages=messages_of(error))
        return page, error.status
    page = service_page(found["service_id"], {}, ask_values=values, result=result_of(answer, picture))
    response = make_response(page)
    response.headers["Content-Security-Policy"] = POLICY_WITH_PICTURES
    return response


@blueprint.get("/services/<service>/<any(infer, placement, migrate, orders):_>")
def shown(service: str, _: str) -> Response:
    """The service: the address of one of its forms, typed or loaded anew after it was sent."""
    return redirect(url_for("serving_pages.service", service=service), HTTPStatus.SEE_OTHER)


@blueprint.post("/models")
def model() -> Response | tuple[str, int]:
    """Keep the ONNX file of the form, and say what a blueprint names it by."""
    try:
        with reading("model", services().settings.model_max_bytes, FORM_BYTES):
            file = request.files.get("model")
        if file is None or not file.filename:
            raise field_error("model", "is missing; choose an ONNX file")
        kept = keep_model(cast(BinaryIO, file.stream))
    except ApiError as error:
        return services_page({}, {}, model_messages=messages_of(error)), error.status
    flash(f'{file.filename} is kept; in a blueprint write model = "{kept["model"]}"', "good")
    return redirect(url_for("serving_pages.service_list"), HTTPStatus.SEE_OTHER)


@blueprint.get("/models")
def models() -> Response:
    """The page with the form for models."""
    return redirect(url_for("serving_pages.service_list"), HTTPStatus.SEE_OTHER)


def _picture(file: FileStorage | None) -> str:
    """The address of the picture that was sent, so that boxes can be drawn into it; empty for anything else."""
    if file is None or file.mimetype not in ("image/jpeg", "image/png"):
        return ""
    stream = cast(BinaryIO, file.stream)
    if not 0 < size_of(stream) <= SHOWN_MAX_BYTES:
        return ""
    data = stream.read()
    stream.seek(0)
    return data_uri(data, file.mimetype)


def _check_type(field: str, given: str, service: dict[str, Any]) -> None:
    """Refuse what the service would leave unanswered.

    Raises:
        ApiError: 422, nothing that the requests go to takes this type.
    """
    takes = asking(service, services().reader.handlers()).takes
    if takes and given not in takes:
        raise field_error(field, f"is of the type {given}; this service takes {' or '.join(takes)}")


def _seconds(text: str) -> float:
    try:
        seconds = float(text or 10.0)
    except ValueError:
        raise field_error("timeout_s", f"{text!r} is no number; write seconds as 10 or 0.5") from None
    if not 0.0 < seconds <= MOST_WAIT_S:
        raise field_error("timeout_s", f"{text} is out of range; write more than 0 and at most {MOST_WAIT_S:g} seconds")
    return seconds
