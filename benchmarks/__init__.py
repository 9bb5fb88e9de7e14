"""What is measured, each by one command; the method and the last figures stand in README.md."""
