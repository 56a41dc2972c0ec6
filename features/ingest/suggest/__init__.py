"""A first mapping file for a source nobody has mapped yet, with guesses, doubts and evidence."""
