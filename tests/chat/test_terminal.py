"""A conversation in the terminal: from a pipe here, line by line."""

import io

import pytest

from tests.echo import echo
from transformer_lab.chat import Conversation, terminal
from transformer_lab.chat.terminal import command, printable, say


@pytest.fixture
def talk():
    return Conversation(echo(), "be kind", temperature=0)


def said(monkeypatch, capsys, text, **settings):
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    terminal.run(echo(), **settings)
    return capsys.readouterr().out


def test_each_line_of_a_pipe_gets_its_answer_and_nothing_else(monkeypatch, capsys):
    assert said(monkeypatch, capsys, "one\n\n  two \nनमस्ते") == "one\ntwo\nनमस्ते\n"


def test_quit_ends_before_the_lines_do(monkeypatch, capsys):
    assert said(monkeypatch, capsys, "one\n/quit\ntwo\n") == "one\n"


def test_a_huge_line_is_refused_and_the_conversation_goes_on(monkeypatch, capsys):
    told = said(monkeypatch, capsys, "one\n" + "x" * 10**6 + "\n/" + "\x1b" * 1000 + "\ntwo\n")
    first, refused, unknown, last = told.splitlines()
    assert (first, last) == ("one", "two")
    assert "has 1,000,000 bytes; echo sees at most 2000 tokens at once" in refused
    assert unknown == "(there is no command /; /help lists them)"


def test_a_line_without_an_end_is_not_read_to_its_end(monkeypatch):
    class Endless(io.StringIO):
        def readline(self, size):
            return "\0" * size

    monkeypatch.setattr("sys.stdin", Endless())
    with pytest.raises(ValueError, match="a line has more than 1,048,576 letters"):
        terminal.run(echo())


def test_the_whole_conversation_is_sent_each_time(talk):
    say(talk, "one")
    say(talk, "two")
    assert [each["content"] for each in talk.messages] == ["be kind", "one", "one", "two", "two"]
    assert command(talk, "/list").startswith("system: be kind\nuser: one\nassistant: one\n")


def test_undo_forgets_one_exchange_and_forget_all_of_them(talk):
    for text in ("one", "two", "three"):
        say(talk, text)
    command(talk, "/undo")
    assert len(talk.messages) == 5
    command(talk, "/forget")
    assert talk.messages == [{"role": "system", "content": "be kind"}]
    assert "nothing to forget" in command(talk, "/undo")
    assert "no command /sing" in command(talk, "/sing")


def test_what_cannot_be_sent_is_said_and_not_kept(talk, capsys):
    say(talk, "x" * 5000)
    assert "more than the 2000 that echo sees at once" in capsys.readouterr().out
    assert len(talk.messages) == 1


def test_an_answer_that_is_cut_says_so(capsys):
    say(Conversation(echo(), max_tokens=2), "hello")
    assert capsys.readouterr().out.startswith("he\n(the answer was cut")


def test_what_no_longer_fits_is_told(capsys):
    talk = Conversation(echo(max_len=60))
    for text in ("a" * 15, "b" * 15):
        say(talk, text)
    assert "(the 2 oldest messages no longer fit, and were not sent)" in capsys.readouterr().out


def test_ctrl_c_stops_an_answer_and_the_conversation_goes_on(talk, capsys, monkeypatch):
    pieces = iter(["f", "o"])
    monkeypatch.setattr(terminal, "printable", lambda piece: next(pieces, None) or interrupt())
    say(talk, "forever")
    assert capsys.readouterr().out == "fo (stopped)\n"
    assert talk.messages[-1] == {"role": "assistant", "content": "for"}


def interrupt():
    raise KeyboardInterrupt


def test_a_model_cannot_steer_the_terminal():
    assert printable("\x1b[31mred\x07\r\x9b2J\n\tनमस्ते 🙂") == "[31mred2J\n\tनमस्ते 🙂"
