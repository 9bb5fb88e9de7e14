"""Finding datasets: one protocol, several engines, all derived from the catalogue and rebuildable from it."""
