"""One generator function for each kind of portal."""
