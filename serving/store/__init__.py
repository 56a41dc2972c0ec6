"""What people and schedulers decided: HOME/data/store.sqlite, or what its company shares."""
