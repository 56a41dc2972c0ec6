"""The model of quota attainment."""
