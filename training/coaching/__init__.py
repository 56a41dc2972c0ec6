"""From explanations to coaching: what held a rep back, on which grounds, and what to do next."""
