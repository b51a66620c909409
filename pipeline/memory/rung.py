"""A rung of a memory ladder, and the record of one that was taken: alike for whatever may need too much memory."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from pipeline.catalogue import Phase
from pipeline.records import DowngradeRecord
from pipeline.settings import RuntimeSettings

Step = TypeVar("Step", bound=Callable[..., Any])
"""From what is planned to the same one rung lower; None where the rung does not apply, or not any more."""


@dataclass(frozen=True)
class Rung(Generic[Step]):
    """One downgrade. `title` says what is done and `cost` what that costs, in words for users.

    `changes_picture` marks what `runtime.allow_downgrades` forbids. `phases` are those that need less memory with it.
    """

    name: str
    title: str
    cost: str
    changes_picture: bool
    phases: frozenset[Phase]
    step: Step

    def is_allowed(self, runtime: RuntimeSettings) -> bool:
        """Whether the user lets it be taken."""
        return runtime.allow_downgrades or not self.changes_picture

    def taken(
        self,
        phase: Phase,
        reason: Literal["forecast", "shortage"],
        doing: str,
        before: Mapping[str, object],
        after: Mapping[str, object],
        figures: str = "",
    ) -> DowngradeRecord:
        """The record of this rung, taken for a phase.

        `doing` says what the phase does, as in "decoding ran out of memory"; `before` and `after` are all values by
        their full names, of which the changed ones are recorded; `figures` follow the title.
        """
        changed = [name for name in after if after[name] != before[name]]
        why = f"{doing} {'would need more memory than is free' if reason == 'forecast' else 'ran out of memory'}"
        return DowngradeRecord(
            rung=self.name,
            phase=phase,
            reason=reason,
            message=f"{self.title}{figures} because {why}: {self.cost}.",
            changes_picture=self.changes_picture,
            before={name: before[name] for name in changed},
            after={name: after[name] for name in changed},
        )
