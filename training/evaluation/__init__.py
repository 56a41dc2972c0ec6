"""How good forecasts are, beside baselines and, where it is known, the truth."""
