"""The HTTP service. `tiles.web.app.create_app` makes the Flask app, `tiles.web.server.serve` runs it."""
