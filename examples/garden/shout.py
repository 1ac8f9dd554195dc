"""A node of your own, with a type of your own: the orchestrator learns the type from the announcement."""

from dataclasses import field

from cyclonedds.idl import IdlStruct

from hedgerow_idl import Header, UserInput, wire_type
from hedgerow_nodes.core import ModuleNode, run


@wire_type
class Shout(IdlStruct, typename="garden.Shout"):
    header: Header = field(default_factory=Header)
    text: str = ""


class ShoutNode(ModuleNode):
    """Repeat the problem in capitals."""

    kind = "shout"
    inputs = (UserInput,)
    output = Shout

    def process(self, task, user_input):
        return Shout(text=user_input.text.upper())


if __name__ == "__main__":
    run(ShoutNode)
