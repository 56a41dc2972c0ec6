"""Whether the data, the forecasts and their calibration are still what the champion learned."""
