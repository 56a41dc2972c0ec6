"""The tables of an extract, opened: on DuckDB here, on Spark where they do not fit."""
