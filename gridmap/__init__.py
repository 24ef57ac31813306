"""gridmap knows what is true: which grid a point is in, and why the grids are a partition of the city."""
