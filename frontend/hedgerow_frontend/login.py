"""The login page: where a token is set, a browser shows it once and then has a signed cookie."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from hedgerow_frontend.security import same_secret
from hedgerow_frontend.services import services

blueprint = Blueprint("login", __name__)


@blueprint.get("/login")
def show() -> Response | str:
    """Ask for the token; without one set there is nothing to ask for."""
    if not services().settings.token:
        return redirect(url_for("pages.home"))
    return render_template("login.html", target=_target(request.args.get("next", "")), wrong=False)


@blueprint.post("/login")
def enter() -> Response | tuple[str, int]:
    """Log in with the token, and go where the browser wanted to go."""
    target = _target(request.form.get("next", ""))
    token = services().settings.token
    if token and not same_secret(request.form.get("token", ""), token):
        return render_template("login.html", target=target, wrong=True), HTTPStatus.UNAUTHORIZED
    session["logged_in"] = True
    return redirect(target, HTTPStatus.SEE_OTHER)


@blueprint.post("/logout")
def leave() -> Response:
    """Forget that this browser has logged in."""
    session.clear()
    return redirect(url_for("login.show"), HTTPStatus.SEE_OTHER)


def _target(wanted: str) -> str:
    """A path on this server; whatever could lead elsewhere becomes the first page."""
    own = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if own else "/"
