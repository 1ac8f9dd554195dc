"""What-if: where stages would run, asked of the placement engine with a file; no bus, no store, no service."""
