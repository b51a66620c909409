"""Runs that are compared: which there are, where each stands in their grid, and the contact sheet of them all."""
