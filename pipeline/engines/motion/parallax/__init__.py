"""A camera that moves in depth over one still: layers that slide over each other, and what they uncover filled in."""
