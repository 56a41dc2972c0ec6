"""What people and schedulers decided: a database of this home, HOME/data/store.sqlite."""
