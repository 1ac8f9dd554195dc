"""One module for each row, each with a function `measure` that returns its figures."""
