"""What `hedgerow doctor` asks the running system: the front end, its components, the nodes."""

from __future__ import annotations

from collections.abc import Iterator

from hedgerow_launch.checks import Check, Verdict
from hedgerow_launch.failures import CommandFailure
from hedgerow_launch.rest_client import RestClient, connect

_HEALTHY = ("IDLE", "RUNNING")


def system_checks(running: bool) -> Iterator[Check]:
    """Ask the front end, its components and the nodes; what does not run is no fault unless it should."""
    bad = Verdict.FAIL if running else Verdict.WARN
    try:
        client = connect()
        components = client.readiness().get("components", [])
    except CommandFailure as failure:
        yield Check("front end", bad, str(failure), "hedgerow up" if not running else "hedgerow down, hedgerow up")
        return
    yield Check("front end", Verdict.OK, f"answers at {client.url}")
    for component in components:
        verdict = Verdict.OK if component["ok"] else Verdict.FAIL
        if str(component["name"]).startswith("duplicate "):
            verdict = Verdict.WARN
        way_out = "" if component["ok"] else _way_out(str(component["name"]))
        yield Check(f"ready: {component['name']}", verdict, str(component.get("detail") or ""), way_out)
    yield from _node_checks(client)


def _node_checks(client: RestClient) -> Iterator[Check]:
    try:
        nodes = client.get("nodes")["items"]
    except CommandFailure as failure:
        yield Check("nodes", Verdict.FAIL, str(failure), "set HEDGEROW_TOKEN to the front end's, if it asks for one")
        return
    if not nodes:
        yield Check("nodes", Verdict.WARN, "none was ever seen", "is HEDGEROW_DOMAIN the same for all processes?")
    for node in nodes:
        name, state = node["name"], node["state"]
        detail = f"{state}, last seen {node['last_seen_at']}"
        if state in _HEALTHY:
            yield Check(f"node: {name}", Verdict.OK, detail)
        elif state == "ERROR":
            yield Check(f"node: {name}", Verdict.FAIL, detail, f"hedgerow node show {name}; hedgerow node reset {name}")
        else:
            back = "hedgerow down; hedgerow up" if state == "INACTIVE" else f"hedgerow node start {name}"
            yield Check(f"node: {name}", Verdict.WARN, detail, back)


def _way_out(component: str) -> str:
    if component == "store":
        return "end what the reason names (make room, unlock, make writable): work then goes on by itself"
    if component == "frontend":
        return "hedgerow db check; HEDGEROW_STORE must be the same for orchestrator and front end"
    if component.startswith("node "):
        return "hedgerow node list; hedgerow down and hedgerow up bring back a node that was terminated"
    return "look at the output of `hedgerow up`; are HEDGEROW_DOMAIN and HEDGEROW_DISCOVERY the same for all?"
