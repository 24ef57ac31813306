"""Events: immutable facts reported at a place and a time; how they come in, and what they mean."""
