"""The store of a workspace: one SQLite file, whose tables only this package knows; all others go through ``Store``."""
