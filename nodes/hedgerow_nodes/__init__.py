"""Nodes: `core` is what every node is made of, `estimators` is what nodes compute, and each other file is one node."""
