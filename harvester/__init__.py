"""Takes portals' metadata into the catalogue."""
