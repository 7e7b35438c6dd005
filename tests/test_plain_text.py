"""What people type is kept only if it can do no harm."""

import msgspec
import pytest

from chalicelib import plain_text
from chalicelib.errors import InvalidInput


class Note(msgspec.Struct):
    name: str
    notes: list[str] = []


@pytest.mark.parametrize("text", ["4242 4242 4242 4242", "my card is 4242-4242-4242-4242 thanks", "378282246310005"])
def test_card_numbers_are_never_kept(text: str) -> None:
    """A card number in our tables would put the whole charity in scope of PCI DSS."""
    with pytest.raises(InvalidInput) as refused:
        plain_text.check_struct(Note(text))

    assert (refused.value.code, refused.value.field) == ("card_number", "name")


@pytest.mark.parametrize("text", ["+44 20 7946 0958 1234", "4242 4242 4242 4241", "in 2005 to 2015", "1234567890123456"])
def test_telephone_and_other_numbers_are_not_taken_for_cards(text: str) -> None:
    """Only what passes the cards' own check is one."""
    assert plain_text.check_struct(Note(text))


@pytest.mark.parametrize("text", ["a\x00b", "a\x1bb", "a\u202eb", "a\ud800b", "a\u2028b", "a\x85b"])
def test_characters_that_break_things_are_refused(text: str) -> None:
    """Controls, half characters and reversed reading order break mails, pages and exports."""
    with pytest.raises(InvalidInput):
        plain_text.check_struct(Note("fine", [text]))


@pytest.mark.parametrize("text", ["Zoë O'Connor-Łuczak", "محمد", "李小龍", "🎗️ family", "two\nlines"])
def test_names_of_the_world_are_welcome(text: str) -> None:
    """A name is what its owner says it is."""
    assert plain_text.checked(text, "name") == text


def test_what_goes_into_a_mail_header_is_one_line() -> None:
    """A line break in a name must not become a header of its own."""
    with pytest.raises(InvalidInput):
        plain_text.one_line("Ann\nBcc: all@example.org", "name")
