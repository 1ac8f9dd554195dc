"""Our estimates beside measured or published figures; each module is a command that prints a table."""
