"""The program without a screen: still images in, videos and records out."""
