"""What the nodes compute, as plain functions and data; knows no bus."""
