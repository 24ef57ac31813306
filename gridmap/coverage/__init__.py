"""A partition of the city as topology: edges with two faces, arcs between nodes, and the proof."""
