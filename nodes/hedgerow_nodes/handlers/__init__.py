"""The handlers that ship: one module a family, each of which a worker's catalogue finds."""
