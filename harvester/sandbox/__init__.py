"""A small federation of make-believe portals on loopback, for ``nachuan demo`` and the tests."""
