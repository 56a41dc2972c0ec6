"""What was known, when: tables, the law of time, features, labels. Imports nothing of ours."""
