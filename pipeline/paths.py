"""Where the program's own files lie."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
"""The folder that holds this program."""

PRESETS = PROJECT / "configs" / "presets"
CATALOGUE = PROJECT / "configs" / "models"
