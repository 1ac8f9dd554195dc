"""What a data set holds: rows, columns, classes, and for which tasks it speaks; no name of a file is trusted."""
