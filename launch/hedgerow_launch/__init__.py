"""The `hedgerow` command and the supervisor that starts, watches and stops the processes."""
