"""``recmind trace``: one file for each of its commands; ``main.py`` puts them together."""
