"""Conversations to tokens and tokens to text, over the base's own tokenizer and chat template.

Words that look like a control token of the base ("<|im_end|>" in an imported mail) are kept apart from it by a
zero-width space, so that text can never end a turn or speak for another role.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlxtwin.errors import UsageError
from mlxtwin.records import Message

_BROKEN = "\ufffd"
_APART = "\u200b"
_SEPARATOR = "\n\n"
# A character has at most four bytes: what is still broken after more tokens than that is broken for good.
_MOST_BYTES = 4
_NO_LIMIT = 10**9


class ChatTokenizer:
    """What the stages need of a tokenizer. ``inner`` is mlx-lm's TokenizerWrapper."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.has_template = bool(inner.has_chat_template)
        specials = [token for token in inner.all_special_tokens if len(token) > 1]
        self._special = re.compile("|".join(map(re.escape, sorted(specials, key=len, reverse=True))) or r"(?!)")
        self.eos_ids: set[int] = {int(token) for token in inner.eos_token_ids}
        if self.has_template:
            self.eos_ids |= self._end_of_turn()

    def encode(self, text: str) -> list[int]:
        """The tokens of plain text, without any that begin or end a sequence."""
        return self._encode(self._defused(text))

    def decode(self, tokens: Sequence[int]) -> str:
        """Text without control tokens; bytes that are no character are left out."""
        return self._decode(tokens).replace(_BROKEN, "")

    def render(self, messages: Sequence[Message], generation_prompt: bool) -> list[int]:
        """The tokens of a conversation; with ``generation_prompt`` up to where the assistant's reply begins.

        A system message is folded into the first user message where the template refuses it. Raises UsageError when
        the template refuses the conversation all the same.
        """
        rows = [{"role": one.role, "content": self._defused(one.content)} for one in messages]
        if not self.has_template:
            return self._plain(rows)
        return self._encode(self._templated(rows, generation_prompt))

    def detokenizer(self) -> Detokenizer:
        """A new one for each answer."""
        return Detokenizer(self)

    def _defused(self, text: str) -> str:
        return self._special.sub(lambda match: match[0][0] + _APART + match[0][1:], text)

    def _encode(self, text: str) -> list[int]:
        return [int(token) for token in self.inner.encode(text, add_special_tokens=False)]

    def _decode(self, tokens: Sequence[int]) -> str:
        text: str = self.inner.decode(list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text

    def _plain(self, rows: list[dict[str, str]]) -> list[int]:
        """A base that knows no chat: the words one after the other, each reply closed by the end token."""
        start = self.inner.bos_token_id
        tokens = [] if start is None else [int(start)]
        end = [int(self.inner.eos_token_id)] if self.inner.eos_token_id is not None else []
        for row in rows:
            tokens += self._encode(row["content"] + ("" if row["role"] == "assistant" else _SEPARATOR))
            tokens += end if row["role"] == "assistant" else []
        return tokens

    def _templated(self, rows: list[dict[str, str]], generation_prompt: bool) -> str:
        from jinja2 import TemplateError

        for attempt in (rows, _folded(rows)):
            try:
                # Thinking models: the person's words come without a train of thought before them.
                text: str = self.inner.apply_chat_template(
                    attempt, tokenize=False, add_generation_prompt=generation_prompt, enable_thinking=False
                )
            except (TemplateError, ValueError, TypeError):
                continue
            if all(row["content"].strip() in text for row in attempt):
                return text
        raise UsageError("The chat template of this base refuses the conversation.", "Use another base model.")

    def _end_of_turn(self) -> set[int]:
        """The control token that the template puts behind a reply; often it is missing from the list of end tokens."""
        rows = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "zebra"}]
        try:
            tail = self._templated(rows, False).rpartition("zebra")[2].strip()
        except UsageError:
            return set()
        match = self._special.match(tail)
        return {int(self.inner.convert_tokens_to_ids(match[0]))} if match else set()


class Detokenizer:
    """Text of a growing answer, handed out in whole characters only."""

    def __init__(self, tokenizer: ChatTokenizer) -> None:
        self._tokenizer = tokenizer
        self._tokens: list[int] = []
        # Text up to `_done` is out; decoding starts at `_from` so that spaces between tokens come out right.
        self._from = self._done = 0

    def add(self, token: int) -> str:
        """The text that ``token`` completes; empty while a character is still open."""
        self._tokens.append(token)
        before, after = self._texts()
        if after.endswith(_BROKEN) and len(self._tokens) - self._done <= _MOST_BYTES:
            return ""
        self._from, self._done = self._done, len(self._tokens)
        return after[len(before) :].replace(_BROKEN, "")

    def finish(self) -> str:
        """What is left at the end; a character that was never completed is dropped."""
        before, after = self._texts()
        self._from = self._done = len(self._tokens)
        return after[len(before) :].replace(_BROKEN, "")

    def _texts(self) -> tuple[str, str]:
        decode = self._tokenizer._decode
        return decode(self._tokens[self._from : self._done]), decode(self._tokens[self._from :])


def load_tokenizer(path: Path, eos_token_ids: Any = None) -> ChatTokenizer:
    """The tokenizer of a base model's folder; nothing in the folder is run. Raises UsageError for a damaged one."""
    from mlx_lm.tokenizer_utils import load

    try:
        inner = load(path, {"trust_remote_code": False, "local_files_only": True}, eos_token_ids=eos_token_ids)
    except Exception:  # a library's parser over files from outside: it fails in too many ways to list
        raise UsageError(f"The tokenizer of {path} cannot be read.", "Fetch or copy the model again.") from None
    inner._tokenizer.model_max_length = _NO_LIMIT  # what fits is our business; the library only warns
    return ChatTokenizer(inner)


def _folded(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """System words at the head of the next message, and neighbours of one role joined, for templates that insist."""
    folded: list[dict[str, str]] = []
    for row in rows:
        role = "user" if row["role"] == "system" else row["role"]
        if folded and folded[-1]["role"] == role:
            folded[-1] = {"role": role, "content": folded[-1]["content"] + _SEPARATOR + row["content"]}
        else:
            folded.append({"role": role, "content": row["content"]})
    return folded
