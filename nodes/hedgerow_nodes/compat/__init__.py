"""What older systems' settings, files and reports become here; only entry points import this."""
