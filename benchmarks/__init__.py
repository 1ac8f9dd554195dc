"""Benchmarks of what Hedgerow promises about speed: `python -m benchmarks`, `make bench`, `make bench-long`."""
