"""What language models have written, kept for later runs by all that decides it."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.cache import Cache, cache_key
from pipeline.catalogue import HelperCard
from pipeline.environment import diffusion_packages
from pipeline.models.files import locate
from pipeline.models.identity import identity
from pipeline.settings import RuntimeSettings


@dataclass(frozen=True)
class KeptTexts:
    """The texts of one model for one stage; without a cache none are found or kept. Raises ModelMissing when used."""

    stage: str
    version: str
    card: HelperCard
    runtime: RuntimeSettings
    cache: Cache | None

    def find(self, decides: Mapping[str, Any]) -> list[str] | None:
        """The texts that the model wrote for this; None where it has not."""
        entry = self.cache.find(self._key(decides)) if self.cache else None
        return None if entry is None else list(entry.facts["texts"])

    def keep(self, decides: Mapping[str, Any], texts: Sequence[str]) -> None:
        """Keep what the model wrote, where there is room."""
        if self.cache:
            with contextlib.suppress(OSError), self.cache.adding(self._key(decides), {"texts": list(texts)}):
                pass

    def _key(self, decides: Mapping[str, Any]) -> str:
        model = identity(locate(self.card, self.runtime))
        return cache_key(self.stage, self.version, {**decides, "model": model, "packages": diffusion_packages()})
