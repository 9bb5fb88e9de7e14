"""The catalogue and what people see of it."""
