"""The built index: fitting all engines into one folder, its manifest, tuning, and opening the engines again.

It knows every other package of ``recmind.tools`` but ``chat``. Of those, only ``context`` names it, for a type.
"""
