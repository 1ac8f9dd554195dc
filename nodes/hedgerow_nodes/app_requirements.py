"""Module node `app_requirements`: what the application needs, as limits with units, from fields and text."""

from __future__ import annotations

from hedgerow_idl import AppRequirements, UserInput
from hedgerow_nodes.core import ModuleNode, Refusal, Task, run
from hedgerow_nodes.estimators.text.requirements import BadLimit, explain, gather


class ApplicationRequirements(ModuleNode):
    """Find the limits that the problem states: latency, rate, memory, power, carbon, accuracy, price, offline, …"""

    kind = "app_requirements"
    inputs = (UserInput,)
    output = AppRequirements

    def process(self, task: Task, user_input: UserInput) -> AppRequirements:
        """List the limits.

        Raises:
            Refusal: BAD_LIMIT, a field holds no usable number.
        """
        try:
            requirements = gather(user_input)
        except BadLimit as bad:
            raise Refusal("BAD_LIMIT", str(bad)) from bad
        return AppRequirements(limits=list(requirements.limits), explanation=explain(requirements))


if __name__ == "__main__":
    run(ApplicationRequirements)
