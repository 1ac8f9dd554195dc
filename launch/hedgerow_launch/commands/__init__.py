"""The commands of `hedgerow`, one module for each group."""
