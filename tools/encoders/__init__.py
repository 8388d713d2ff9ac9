"""Text encoders: what turns texts into vectors, with their cache. Knows ``data`` only; search and index use it."""
