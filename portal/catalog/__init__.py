"""The national catalogue: its nouns, its store and its change log. No HTTP, no Flask."""
