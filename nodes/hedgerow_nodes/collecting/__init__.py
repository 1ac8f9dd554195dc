"""What the collector node is made of: its buffer, the delivery to the orchestrator, its loop."""
