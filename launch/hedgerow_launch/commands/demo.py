"""`hedgerow demo`: start a system, play a scene in it, show what came of it."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from hedgerow_launch.answer_table import answer_table
from hedgerow_launch.commands.printing import AsJson, print_json, show, tell
from hedgerow_launch.commands.up import make_home, read_environment, read_launch_file, run
from hedgerow_launch.failures import DONE, FAILED, INTERRUPTED, CommandFailure
from hedgerow_launch.follow import Follower
from hedgerow_launch.observations import Post, StopWanted
from hedgerow_launch.output import Output
from hedgerow_launch.rest_client import RestClient
from hedgerow_launch.scenes import churn, cut, faces, objects
from hedgerow_launch.scenes.hosts import launch_file, run_among_hosts
from hedgerow_launch.scenes.service_play import Say
from hedgerow_launch.session import Session
from hedgerow_launch.task_object import task_object
from hedgerow_nodes.core.environment import Environment

EXAMPLE = "Count people and bicycles in photos from a street camera within 100 ms on a small edge computer in Spain"
ANSWER_WITHIN_S = 300.0

log = logging.getLogger("hedgerow.launch")


class Scene(StrEnum):
    """What can be shown: a worked problem, and four scenes of serving."""

    ADVICE = "advice"
    FACES = "faces"
    OBJECTS = "objects"
    CUT = "cut"
    CHURN = "churn"


SCENES: dict[Scene, Callable[[RestClient, Path, Say], dict[str, Any]]] = {
    Scene.FACES: faces.play,
    Scene.OBJECTS: objects.play,
    Scene.CUT: cut.play,
    Scene.CHURN: churn.play,
}


def demo(
    scene: Annotated[
        Scene,
        typer.Argument(
            help="advice: a worked problem; faces, objects: handlers on two workers; cut: one network over three hosts "
            "(root); churn: workers come and go."
        ),
    ] = Scene.ADVICE,
    once: Annotated[bool, typer.Option("--once", help="Stop everything once the answer is there.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show what the processes print.")] = False,
    as_json: AsJson = False,
    hosts: Annotated[str, typer.Option("--hosts", hidden=True)] = "",
) -> None:
    """Start a system, play a scene in it, show what came of it, and stay up.

    With --once it runs in a fresh folder unless HEDGEROW_HOME names one.
    """
    if scene is Scene.CUT and not hosts:
        options = (("--once", once), ("--verbose", verbose), ("--json", as_json))
        raise typer.Exit(run_among_hosts([word for word, given in options if given]))
    environment, port = read_environment()
    temporary = None
    if once and not os.environ.get("HEDGEROW_HOME"):
        temporary = Path(tempfile.mkdtemp(prefix="hedgerow-demo-"))
        environment = Environment.read({**os.environ, "HEDGEROW_HOME": str(temporary)})
    make_home(environment.home)
    play = Play(once, as_json, scene, environment.home / "demo")
    file = "advice" if scene is Scene.ADVICE else "serve"
    if scene is Scene.CUT:
        file = str(launch_file(environment.home, hosts.split(",")))

    def output(names: Sequence[str]) -> Output:
        return Output(sys.stderr, names, colour=sys.stderr.isatty(), quiet=not verbose)

    session = Session(read_launch_file(file), environment, os.environ, port, output, play.begin)
    code = FAILED
    try:
        code = run(session)
    finally:
        if temporary is not None and code in (DONE, INTERRUPTED):
            shutil.rmtree(temporary, ignore_errors=True)
        elif temporary is not None:
            tell(f"what is left of the failed demo is in {temporary}")
    raise typer.Exit(code)


class Play:
    """The person in the demo: plays the scene in the running system and prints what came of it."""

    def __init__(
        self, once: bool, as_json: bool, scene: Scene = Scene.ADVICE, folder: Path = Path(".hedgerow/demo")
    ) -> None:
        self._once = once
        self._as_json = as_json
        self._scene = scene
        self._folder = folder

    def begin(self, url: str | None, post: Post) -> None:
        """Play in a thread, so that the supervisor can go on watching."""
        threading.Thread(target=self._run, args=(url or "", post), name="demo", daemon=True).start()

    def _run(self, url: str, post: Post) -> None:
        try:
            state = self.play(RestClient(url, token=os.environ.get("HEDGEROW_TOKEN", "")))
        except CommandFailure as failure:
            post(StopWanted(f"the demo failed: {failure}", failure.exit_code))
        except Exception as error:  # the thread's outermost loop: a demo that hangs is worse than one that fails
            log.exception("system: the demo failed")
            post(StopWanted(f"the demo failed: {error!r}", FAILED))
        else:
            if self._once:
                post(StopWanted("the demo is over", DONE if state == "SUCCEEDED" else FAILED))
            else:
                tell(f"the system stays up at {url} (Ctrl-C stops it)")

    def play(self, client: RestClient) -> str:
        """Play the scene, print; the state that it ended in."""
        if self._scene is not Scene.ADVICE:
            told = SCENES[self._scene](client, self._folder, tell)
            if self._as_json:
                print_json(told)
            return "SUCCEEDED"
        tell(f"submitting: {EXAMPLE}")
        accepted = client.post("problems", body={"text": EXAMPLE})["task"]
        task = Follower(client).wait(accepted["problem_id"], accepted["iteration_id"], ANSWER_WITHIN_S)
        if self._as_json:
            print_json(task_object(task))
        else:
            show(answer_table(task))
        return str(task["state"])
