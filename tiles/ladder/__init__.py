"""Geometry per zoom, simplified along the borders that neighbours and levels share."""
