"""Messages: a list that can be answered, or one sentence that says why not."""

import pytest

from transformer_lab.chat import Message, check

USER = {"role": "user", "content": "what is 2+1"}
SYSTEM = {"role": "system", "content": "you are a math teacher"}
ASSISTANT = {"role": "assistant", "content": "3"}


def test_a_conversation_comes_back_as_messages():
    checked = check([SYSTEM, USER, ASSISTANT, USER])
    assert [message.role for message in checked] == ["system", "user", "assistant", "user"]
    assert [message.to_dict() for message in checked] == [SYSTEM, USER, ASSISTANT, USER]
    assert check(checked) == checked


@pytest.mark.parametrize(
    ("messages", "sentence"),
    [
        ([], "the list of messages is empty: give at least one of the user's"),
        ("what is 2+1", "the messages must be a list of messages, but they are a str"),
        (USER, "the messages must be a list of messages, but they are a dict"),
        (None, "the messages must be a list of messages, but they are a NoneType"),
        (["what is 2+1"], "message 1 must have a role and a content, but it is a str"),
        ([SYSTEM, {"role": "user"}], "message 2 has no 'content'"),
        ([{"content": "hello"}], "message 1 has no 'role'"),
        (
            [{**USER, "colour": "red"}],
            "message 1 has 'colour', which means nothing here; a message has 'role' and 'content'",
        ),
        (
            [SYSTEM, {"role": "teacher", "content": "hello"}],
            "message 2: there is no role 'teacher'; the roles are: system, user, assistant",
        ),
        (
            [{"role": ["user"], "content": "hello"}],
            "message 1: there is no role ['user']; the roles are: system, user, assistant",
        ),
        (
            [{"role": "user", "content": 3}],
            "message 1: the content of a message must be text, but it is a int",
        ),
        ([USER, SYSTEM, USER], "message 2 is a system message, but only the first can be one"),
        (
            [USER, ASSISTANT],
            "the last message is from the assistant, but only the user's can be answered",
        ),
        ([SYSTEM], "the last message is from the system, but only the user's can be answered"),
    ],
)
def test_each_mistake_is_one_clear_sentence(messages, sentence):
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the whole sentence is compared
        check(messages)
    assert str(error.value) == sentence


def test_a_message_checks_itself():
    with pytest.raises(ValueError, match="there is no role 'me'"):
        Message("me", "hello")
