"""From what Florence-2 says to a caption that serves as a prompt."""

import re

MAX_CHARACTERS = 2000
"""Longest caption: that of the settings that hold one."""

_TOKENS = re.compile(r"<[^<>\s]+>")
"""Tokens of the model that are no words, such as </s> and <loc_12>."""

_PICTURE = r"(?:image|picture|photo|photograph)"

_SPACED_MARK = re.compile(r" ([.,;:!?])")

_PREAMBLE = re.compile(
    rf"""^(?:
    (?:the|this)\s+{_PICTURE}\s+
        (?:(?:shows|depicts|features|captures|displays|presents|portrays|contains|illustrates|showcases)\s+
        |is\s+(?:of\s+)?(?=(?:a|an|the|one|two|three|four|five|several|some)\b))
    | in\s+(?:the|this)\s+{_PICTURE},?\s+(?:there\s+(?:is|are)|(?:we|you|i|one)\s+can\s+see)\s+
    )""",
    re.IGNORECASE | re.VERBOSE,
)
"""How the longer captions begin; a painter needs what is shown, not that it is shown."""

_WHOLE = re.compile(r".*[.!?](?=\s)")
"""Up to the end of the last whole sentence before others."""


def caption(answer: str) -> str:
    """A caption of whole sentences on one line, without preamble; empty where the answer has no words."""
    text = " ".join(_TOKENS.sub(" ", answer).replace("\ufffd", " ").split())
    text = _PREAMBLE.sub("", _SPACED_MARK.sub(r"\1", text)).lstrip(" .,;:")
    if not any(character.isalnum() for character in text):
        return ""
    if len(text) >= MAX_CHARACTERS:
        cut = text[:MAX_CHARACTERS]
        whole = _WHOLE.match(cut)
        text = whole.group() if whole else cut[:-1]
    if text[-1] not in ".!?":
        text = text.rstrip(" ,;:-") + "."
    return text[0].upper() + text[1:]
