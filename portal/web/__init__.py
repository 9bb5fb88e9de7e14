"""The public site: the catalogue as HTML, JSON, RDF and feeds."""
