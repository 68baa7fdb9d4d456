"""Training runs as folders: events, the supervisor that starts and stops them, the worker that does them."""
