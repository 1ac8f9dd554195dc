"""Serving as the front end shows it: services, workers, handlers and what flows between them."""
