"""Many runs from one file: read it, check every job, make them one after another, go on after a break."""
