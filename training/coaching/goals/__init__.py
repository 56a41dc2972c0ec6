"""The numbers behind goals: what a lever measures, what is reachable, and how likely."""
