"""A conversation that the Messages API always takes, whatever happened in it.

Nothing is ever changed in place: a message that grows is replaced. A request that was made keeps
what it was made of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.model.base import Block, Json, Message, Turn
from tools.desk import ToolResult

UNKNOWN = "Interrupted: whether it took effect is not known. Look before you call it again."
MARK = {"type": "ephemeral"}


@dataclass(frozen=True)
class ToolCall:
    """A call that the model asks for."""

    id: str
    name: str
    input: Json


class Conversation:
    """Messages whose roles alternate and whose calls are answered.

    Only between ``answer`` and the ``results`` of its last call is a conversation unfit to be sent;
    ``open_calls`` says which results are missing, and ``mend`` fills them in.
    """

    def __init__(self, messages: Sequence[Message] = ()) -> None:
        self._messages: list[Message] = list(messages)

    @staticmethod
    def from_json(messages: list[Message]) -> Conversation:
        """A conversation as ``to_json`` gave it."""
        return Conversation(messages)

    def to_json(self) -> list[Message]:
        """The messages, as the API has them."""
        return list(self._messages)

    @property
    def messages(self) -> tuple[Message, ...]:
        """The messages so far."""
        return tuple(self._messages)

    @property
    def waits(self) -> bool:
        """Whether it is the model's turn to answer."""
        return bool(self._messages) and self._messages[-1]["role"] == "user"

    def say(self, text: str, *, blocks: Sequence[Block] = ()) -> None:
        """The user says something; joins what the user said last, if nothing came between.

        Args:
            text: what is said; may be blank if there are blocks.
            blocks: text or other blocks that go before it.

        Raises:
            ValueError: there is nothing to say, or calls are open.
        """
        said = [*blocks, *_text(text)]
        if not said:
            raise ValueError("nothing is said")
        if self.open_calls():
            raise ValueError("calls are open; mend the conversation first")
        if self.waits:
            self._replace("user", [*self._messages[-1]["content"], *said])
        else:
            self._messages.append({"role": "user", "content": said})

    def answer(self, turn: Turn) -> None:
        """The model answers.

        Blocks that the API gives and doesn't take back are left out: blank text, and thinking that
        was cut off before its signature. An answer of which nothing is left is not appended.

        Raises:
            ValueError: it is not the model's turn.
        """
        if not self.waits or self.open_calls():
            raise ValueError("it is not the model's turn")
        content = [block for block in turn.content if _keeps(block)]
        if content:
            self._messages.append({"role": "assistant", "content": content})

    def results(
        self, pairs: Sequence[tuple[ToolCall, ToolResult]], also: Sequence[str] = ()
    ) -> None:
        """Results of open calls, some or all of them; text follows the results.

        Args:
            pairs: calls and what they came to.
            also: what the person said meanwhile; only with the last results.

        Raises:
            ValueError: a call is not open, or text would come before a result.
        """
        still = [call.id for call in self.open_calls()]
        for call, _ in pairs:
            if call.id not in still:
                raise ValueError(f"the call {call.id} is not open")
            still.remove(call.id)
        if still and also:
            raise ValueError("text goes after the last result")
        said = [_result(call, result) for call, result in pairs]
        said += [block for text in also for block in _text(text)]
        if not said:
            return
        if self.waits:
            self._replace("user", [*self._messages[-1]["content"], *said])
        else:
            self._messages.append({"role": "user", "content": said})

    def open_calls(self) -> tuple[ToolCall, ...]:
        """Calls of the model's last answer that have no result yet."""
        answered: set[str] = set()
        for message in reversed(self._messages[-2:]):
            if message["role"] == "assistant":
                calls = (block for block in message["content"] if block["type"] == "tool_use")
                return tuple(
                    ToolCall(b["id"], b["name"], b["input"])
                    for b in calls
                    if b["id"] not in answered
                )
            answered = {b["tool_use_id"] for b in message["content"] if b["type"] == "tool_result"}
        return ()

    def mend(self, why: str = UNKNOWN) -> None:
        """Gives each open call an error result.

        Args:
            why: what the model is told.
        """
        self.results([(call, ToolResult(why, is_error=True)) for call in self.open_calls()])

    def cached(self, breakpoints: int = 2) -> tuple[Message, ...]:
        """The messages to send, the last ones of the user marked for the prompt cache.

        The last mark writes what is new; the one before it is where the request before wrote, so
        that it is found however many blocks an answer had.

        Args:
            breakpoints: how many marks the system and the tools leave of the four.
        """
        sent = list(self._messages)
        users = [n for n, message in enumerate(sent) if message["role"] == "user"]
        for n in users[-breakpoints:] if breakpoints > 0 else ():
            *before, last = sent[n]["content"]
            sent[n] = {**sent[n], "content": [*before, {**last, "cache_control": MARK}]}
        return tuple(sent)

    def _replace(self, role: str, content: list[Block]) -> None:
        self._messages[-1] = {"role": role, "content": content}


def calls_of(turn: Turn) -> tuple[ToolCall, ...]:
    """The calls of an answer, in order."""
    return tuple(
        ToolCall(block["id"], block["name"], block["input"])
        for block in turn.content
        if block["type"] == "tool_use"
    )


def text_of(content: Sequence[Block]) -> str:
    """What an answer says in words."""
    return "".join(block["text"] for block in content if block["type"] == "text").strip()


def _text(text: str) -> list[Block]:
    return [{"type": "text", "text": text}] if text.strip() else []


def _keeps(block: Block) -> bool:
    if block["type"] == "text":
        return bool(block["text"].strip())
    return block["type"] != "thinking" or bool(block.get("signature"))


def _result(call: ToolCall, result: ToolResult) -> Block:
    # A blank text is refused; a tool that has nothing to say says so.
    text = result.text if result.text.strip() else "(no output)"
    block: Block = {
        "type": "tool_result",
        "tool_use_id": call.id,
        "content": [{"type": "text", "text": text}],
    }
    return {**block, "is_error": True} if result.is_error else block
