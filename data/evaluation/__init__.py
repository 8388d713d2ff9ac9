"""The parts of an evaluation: held-out interactions, metrics over cases, and the uncertainty of their means."""
