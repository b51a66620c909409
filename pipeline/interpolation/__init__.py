"""New frames between given ones, and frames in another size."""
