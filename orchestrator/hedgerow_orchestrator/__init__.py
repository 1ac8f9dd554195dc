"""The orchestrator: registry, task engine, store. The only process that owns state."""
