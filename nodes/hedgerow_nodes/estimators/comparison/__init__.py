"""Iterations side by side: what each says, which is best and worst, and whether the difference is certain."""
