"""Traces for other systems: lines of JSON for LangSmith and OpenTelemetry, and a collector.

It knows store and views.
"""
