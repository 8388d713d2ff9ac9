"""Text encoders, which turn texts into vectors, and their cache. They know ``data`` only; search and index use them."""
