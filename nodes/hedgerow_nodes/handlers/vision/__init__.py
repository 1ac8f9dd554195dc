"""What the handlers of pictures do, as functions from arrays to arrays: no ports, no bus, no files of a user."""
