"""`python -m app`: start the page."""

import sys

from app.launch import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
