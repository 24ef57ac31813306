"""The gazetteer: what things in the city are called, and where they are."""
