"""Findings drawn as a picture: `sheet` puts it together; everything that needs matplotlib is in here."""
