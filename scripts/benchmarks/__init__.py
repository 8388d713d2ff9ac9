"""The benchmarks, one a file: each has ``run(data, work)``."""
