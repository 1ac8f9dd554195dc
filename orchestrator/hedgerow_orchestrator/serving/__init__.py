"""The orchestrator's side of serving: blueprints become services, services are placed on workers and kept there."""
