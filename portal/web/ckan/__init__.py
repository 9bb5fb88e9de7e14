"""The outside for CKAN's clients: the read side of its action API over our catalogue (docs/ckan-api.md)."""
