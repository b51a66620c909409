"""Measures of a finished video, and the advice that follows from them."""
