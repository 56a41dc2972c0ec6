"""A source's tables become tables in our words, as a mapping file says, row by row."""
