"""The benchmarks, a module for each: every one has ``run(data, work)``."""
