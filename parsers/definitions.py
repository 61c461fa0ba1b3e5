"""Which definitions of a file were yielded already."""

from collections import defaultdict

from poam.model import Definition


class SeenDefinitions:
    """Tells the first Definition of a source identifier, and each that differs from it."""

    def __init__(self) -> None:
        # Hashes, not definitions: a file's texts would not fit in memory.
        self._seen: defaultdict[tuple[str, str], set[int]] = defaultdict(set)

    def is_new(self, definition: Definition) -> bool:
        """Tell whether this very definition comes for the first time, and remember it."""
        seen = self._seen[definition.detector, definition.source_identifier]
        before = len(seen)
        seen.add(hash(definition))
        return len(seen) > before
