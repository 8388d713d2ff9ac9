"""Shared by all of RecMind's pages: one look in light and dark, and self-contained files."""
