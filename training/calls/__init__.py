"""What a call is worth: the chance to reach somebody, what that adds, and the order of the list."""
