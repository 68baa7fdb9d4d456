"""The words of a commit's message that its author wrote."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlxtwin.sources.blocks import Block, blocks
from mlxtwin.sources.git_history import Commit

_BOT = re.compile(
    r"(?i)\[bot\]|\b(?:dependabot|renovate|greenkeeper|github-actions|semantic-release|pre-commit-ci|weblate|"
    r"snyk-bot|imgbot|allcontributors|gitlab-bot|buildbot|pyup-bot)\b|^(?:ci|bot|jenkins|travis)$|\(aider\)$"
)
_BOT_ADDRESS = re.compile(r"(?i)\[bot\]@|\bbot@|^(?:ci|jenkins|travis)@")
_MADE = re.compile(
    r"(?i)(?:merge (?:branch|pull request|remote-tracking|tag|commit)\b|merged (?:in|branch|pr)\b|revert \"|reapply \"|"
    r"(?:fixup|squash|amend)! |bump \S+ from \S+ to |update \S+$|create \S+$|delete \S+$|rename \S+ to \S+$|"
    r"add files via upload|initial commit\.?$|first commit\.?$|wip\b.{0,3}$|auto[- ]?commit|vault backup\b|"
    r"applied suggestions? from code review|v?\d+(?:\.\d+)+\S*$|release v?\d+(?:\.\d+)+\S*$|\[?skip ci\]?$|"
    r"(?:chore|build|ci)(?:\([^)]*\))?: (?:release|bump)\b)"
)
_ASSISTANT = r"copilot|cursor|aider|codex|chatgpt|gemini|windsurf|amazon q|openhands"
# What an assistant leaves in a message that it wrote. Claude and Devin are also people, who mostly have a second name.
_ASSISTED = re.compile(
    rf"(?im)^\W{{0,8}}(?:generated|written|authored) (?:with|by|using) \W?(?:[\w-]{{1,20}} )?"
    rf"(?:claude|devin|{_ASSISTANT})\b|"
    rf"^[ \t]{{0,8}}co-authored-by:[^\n]{{0,200}}?"
    rf"(?:(?<![\w.@])(?:{_ASSISTANT})\b|\[bot\]|noreply@(?:anthropic|openai)\.com)|"
    r"^[ \t]{0,8}co-authored-by:[ \t]{0,8}(?:claude|devin)"
    r"(?:[ -](?:code|opus|sonnet|haiku|ai|v?\d)[^<\n]{0,80})?[ \t]{0,8}(?:[<(]|$)"
)
_TRAILER = re.compile(
    r"(?i)[a-z][\w-]{0,40}-(?:by|to|on|id|with|link|in|url):\s|(?:cc|bug|link|fixes|closes|refs?|see-also|issue|ticket|"
    r"part-of|backport|upstream|original-commit|x-[\w-]{1,40}):\s|git-svn-id:"
)
_REPEATS = re.compile(r"(?i)this reverts commit [0-9a-f]{7,64}|\(cherry picked from commit [0-9a-f]{7,64}\)")
# The number of a request that a site puts behind the subject.
_REQUEST = re.compile(r"\s*\(#\d+\)$")


@dataclass(frozen=True, slots=True)
class Message:
    """``body`` holds what stands below the subject; quotes in it are of kind ``quote``."""

    subject: str
    body: tuple[Block, ...]


def message_of(commit: Commit) -> Message | None:
    """What the author wrote; None for a merge, and for what a program, an assistant or nobody wrote."""
    if len(commit.parents) > 1 or _BOT.search(commit.name) or _BOT_ADDRESS.search(commit.address):
        return None
    if _ASSISTED.search(commit.message):
        return None
    subject, _, rest = commit.message.strip().partition("\n")
    subject = _REQUEST.sub("", subject.strip())
    if not subject or _MADE.match(subject):
        return None
    lines = _without_trailers([line for line in rest.split("\n") if not _REPEATS.match(line)])
    return Message(subject[:500], tuple(blocks(lines, markdown=True)))


def _without_trailers(lines: list[str]) -> list[str]:
    """Less what stands at the end and only names people, requests and other commits."""
    kept = list(lines)
    while kept:
        # A trailer may go on, indented, on the next lines.
        start = len(kept) - 1
        while start and kept[start].startswith((" ", "\t")) and kept[start].strip():
            start -= 1
        if kept[-1].strip() and not _TRAILER.match(kept[start]):
            break
        del kept[start if kept[-1].strip() else -1 :]
    return kept
