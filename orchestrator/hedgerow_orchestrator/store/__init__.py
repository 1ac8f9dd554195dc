"""The store: schema and migrations, one writer (the orchestrator), one reader module, blobs."""
