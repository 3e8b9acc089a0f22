"""Between the network and the routes: bodies, keys, errors, logs and metrics."""
