"""What is said of every other candidate where the user requires a model: that, and nothing against the model itself."""


def another_is_required(name: str) -> str:
    """The reason of rejection of a candidate that keeps all limits."""
    return f"{name} is required"
