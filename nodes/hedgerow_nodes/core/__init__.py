"""What every node is made of: bus, lifecycle, commanded execution, test kit. An author needs the names below."""

from hedgerow_nodes.core.environment import ConfigurationError, Environment
from hedgerow_nodes.core.module_node import ModuleNode
from hedgerow_nodes.core.runner import run
from hedgerow_nodes.core.task import Cancelled, Refusal, Task

__all__ = ["Cancelled", "ConfigurationError", "Environment", "ModuleNode", "Refusal", "Task", "run"]
