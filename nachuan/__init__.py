"""The command ``nachuan``: the edge where harvester and portal meet."""
