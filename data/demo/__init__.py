"""The demo catalogue: real films described in our own words, and synthetic users."""
