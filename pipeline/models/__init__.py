"""Models: where their files are, downloads, loading, placement on a device, and what is resident."""
