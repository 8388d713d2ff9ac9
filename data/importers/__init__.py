"""Filling a store from files: MovieLens, anyone's tables, and the demo catalogue."""

from data.importers.demo import import_demo
from data.importers.movielens import import_movielens
from data.importers.report import ImportReport
from data.importers.table import import_table

__all__ = ["ImportReport", "import_demo", "import_movielens", "import_table"]
