"""What is read from words: limits with units, tasks, devices and places that a text names."""
