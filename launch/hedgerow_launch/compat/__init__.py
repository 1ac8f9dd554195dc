"""Older systems' variables and configuration files, turned into ours; only the `hedgerow` command imports this."""
