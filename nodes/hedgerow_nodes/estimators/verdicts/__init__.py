"""Which of the limits that a user stated an iteration keeps, misses, or leaves unknown."""
