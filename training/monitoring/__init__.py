"""What goes wrong without a sound: inputs that shift, forecasts that slip, loaders that break."""
