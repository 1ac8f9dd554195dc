"""Carbon: what the grid emits, what making a device cost, and the footprint of one inference."""
