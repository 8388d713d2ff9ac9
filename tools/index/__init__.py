"""The built index: fits all engines into one folder, with a manifest and tuning, and opens the engines again.

It knows every other package of ``recmind.tools`` but ``chat``. Of those, only ``context`` names it, for a type.
"""
