"""The command, called as a user calls it."""
