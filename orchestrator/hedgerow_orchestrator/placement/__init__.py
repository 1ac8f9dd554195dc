"""Where stages run: a pure library that finds, explains and judges placements."""
