"""Who uses it: the command line, the service, its pages, and the settings that bind them."""
