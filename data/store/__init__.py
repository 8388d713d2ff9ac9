"""The store of a workspace: a single SQLite file. Only this package knows its tables; all others use ``Store``."""
