"""How the city looks and how it is asked: tiles, and the HTTP service in `tiles.web`."""
