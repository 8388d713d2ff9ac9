"""Calibrated probabilities for a user and an item, learned from interactions that were held out.

It knows ``collaborative`` and ``recmind.data``. The index imports it.
"""
