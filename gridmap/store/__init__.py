"""One store for a city: editions, areas, columns, devices, posts; SQLAlchemy over SQLite, blobs beside it."""
