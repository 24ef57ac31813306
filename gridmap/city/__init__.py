"""The synthetic city: real outlines, names and codes; invented grids, buildings, households and devices."""
