"""The steps of a run, each on its own: they never import each other."""
