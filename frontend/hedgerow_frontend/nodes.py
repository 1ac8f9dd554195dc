"""REST: nodes, the commands they take and their configuration."""

from __future__ import annotations

from typing import Any

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from hedgerow_frontend.bodies import CommandRequest, ConfigurationRequest, NodePath
from hedgerow_frontend.documents import API, errors
from hedgerow_frontend.lookups import find_node
from hedgerow_frontend.services import services
from hedgerow_frontend.system_answers import CommandAnswered, ConfigurationAnswered, NodeAnswer, NodeList
from hedgerow_frontend.wishes import accepted, wish

blueprint = APIBlueprint(
    "nodes",
    __name__,
    url_prefix=f"{API}/nodes",
    abp_tags=[Tag(name="nodes", description="The processes that do the work.")],
    abp_responses=errors(503),
)


@blueprint.get("", responses={200: NodeList})
def node_list() -> dict[str, Any]:
    """List every node that was ever seen, with its state."""
    return {"items": services().reader.nodes()}


@blueprint.get("/<node>", responses={200: NodeAnswer, **errors(404)})
def node(path: NodePath) -> dict[str, Any]:
    """Show one node, by its name or its id."""
    return find_node(path.node)


@blueprint.post("/<node>/commands", responses={200: CommandAnswered, **errors(404, 409, 415, 422)})
def command(path: NodePath, body: CommandRequest) -> dict[str, Any]:
    """Give a node a command; the answer is the node's own."""
    return accepted(wish("node.command", {"node": path.node, "command": body.command}))


@blueprint.patch("/<node>/configuration", responses={200: ConfigurationAnswered, **errors(404, 409, 415, 422)})
def configure(path: NodePath, body: ConfigurationRequest) -> dict[str, Any]:
    """Change a node's configuration while it runs; the body holds the fields to change."""
    return accepted(wish("node.configure", {"node": path.node, "configuration": body.root}))
