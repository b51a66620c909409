"""What is taken out before a text is shown to others."""

import getpass
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.redaction import GAP, Redactor, known_secrets, usual_places

HOME, PLACES = Path.home(), usual_places(Path("/data/my videos/outputs"), Path("/data/my videos/logs"))


@pytest.fixture(scope="module")
def redact() -> Redactor:
    return Redactor(["correct horse", "pw"], PLACES)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("the password is correct horse.", f"the password is {GAP}."),
        ("xCORRECT HORSEx", f"x{GAP}x"),
        ("pw pwd", f"{GAP} pwd"),  # a short one only where it stands alone
        ("token hf_aBcDeF1234567890, sk-proj-12345678", f"token {GAP}, {GAP}"),
        ("Authorization: Bearer abc.def-123", f"Authorization: Bearer {GAP}"),
        ("https://me:word@huggingface.co/a/b", f"https://{GAP}huggingface.co/a/b"),
        ("The record /data/my videos/outputs/video_1.json cannot be read", "The record <outputs>/video_1.json cannot"),
        (f"{HOME}/holiday.jpg", "~/holiday.jpg"),
        (
            "/mnt/photos of us/x.jpg, C:\\Users\\Ada\\x.jpg and \\\\server\\share",
            "<path> of us/x.jpg, <path> and <path>",
        ),
        ("a and/or b, 1/2/3, https://example.org/a/b", "a and/or b, 1/2/3, https://example.org/a/b"),
    ],
)
def test_secrets_and_paths_are_taken_out_and_all_else_stays(redact: Redactor, text: str, shown: str) -> None:
    assert redact(text).startswith(shown)


def test_names_of_the_person_and_the_machine_are_taken_out(redact: Redactor) -> None:
    told = redact(f"by {getpass.getuser()} on {socket.gethostname()}")
    assert told == "by <user> on <machine>"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Not understood, and left out: 'zeppelin', \"it's\".", f"Not understood, and left out: '{GAP}', '{GAP}'."),
        ("It doesn't fit, and it's large", "It doesn't fit, and it's large"),
        ("the end is left out: golden zeppelins over the sea", f"the end is left out: {GAP} {GAP}s {GAP} the sea"),
    ],
)
def test_messages_lose_what_they_quote_and_the_words_of_prompts(redact: Redactor, text: str, shown: str) -> None:
    assert redact.message(text, ["A golden zeppelin OVER the sea"]) == shown


def test_secrets_are_found_by_the_names_of_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "the-token-of-the-hub")
    variables = {
        "MY_API_KEY": "1234567",
        "DB_PASSWORD": "letmein",
        "AUTH": "short",
        "KEYBOARD": "qwertz",
        "PATH": "/bin",
    }
    assert set(known_secrets(variables)) == {"1234567", "letmein", "the-token-of-the-hub"}


LETTERS = st.text(st.characters(categories=["L", "N"]), min_size=4, max_size=30)


@given(secret=LETTERS, before=LETTERS, after=LETTERS)
def test_nothing_is_left_of_a_secret_wherever_it_stands(secret: str, before: str, after: str) -> None:
    told = Redactor([secret], PLACES)(f"{before}{secret}{after} {secret}/{after}")
    assert secret not in told.replace(GAP, " ")
