"""Models: the catalogue, this host's calibration, the choice and its explanation, and real runs."""
