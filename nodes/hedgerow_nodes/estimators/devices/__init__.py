"""Devices: the catalogue, what this host has and draws, the roofline, and which device is chosen."""
