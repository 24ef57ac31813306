"""Boundaries as people bring and take them: files."""
