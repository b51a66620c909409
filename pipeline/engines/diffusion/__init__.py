"""What all diffusion engines share: the phases of a run, its progress, its recovery."""
