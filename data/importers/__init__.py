"""Fills a store from files: MovieLens, any tables, and the demo catalogue."""

from recmind.data.importers.demo import import_demo
from recmind.data.importers.movielens import import_movielens
from recmind.data.importers.report import ImportReport
from recmind.data.importers.table import import_table

__all__ = ["ImportReport", "import_demo", "import_movielens", "import_table"]
