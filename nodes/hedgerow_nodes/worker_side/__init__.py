"""What a worker consists of beside the handlers that it hosts: what it says of itself, takes, sends and measures."""
