"""Everything about a problem in one file, as JSON, CSV, Markdown or a page that needs nothing else."""
