"""``mlxtwin bench``: speed and memory against others, side by side in one run."""

from __future__ import annotations

from typing import Any

import click

from mlxtwin.cli.frame import command as make_command
from mlxtwin.cli.frame import group
from mlxtwin.cli.talk import Answer, Talk, fields, table
from mlxtwin.client import bench, bench_chat
from mlxtwin.client.bench_result import INSTALLED, RIVALS
from mlxtwin.train.bench.work import LONGEST, SHAPES, SHORTEST
from mlxtwin.wording import size

HEADER = ("", "seconds", "tokens/s", "first epoch", "later", "peak memory", "held-out loss", *("ours / its",) * 3)
ABOVE = ("", "", "", "", "", "", "", "speed", "later", "memory")


@make_command("train", "mlxtwin bench train --rivals mlx_lm_same_blas,mlx_lm_as_installed")
@click.option(
    "--model", type=click.Choice(sorted(SHAPES)), default="135m", show_default=True,
    help="The shape of the base; its weights are random.",
)  # fmt: skip
@click.option("--blocks", type=click.IntRange(min=1), help="Adapters on so many of the last blocks; 8, of tiny 2.")
@click.option("--rank", type=click.IntRange(1, 512), default=8, show_default=True, help="Of the adapters.")
@click.option("--epochs", type=click.IntRange(1, 1000), default=3, show_default=True, help="Times over the chats.")
@click.option(
    "--examples", type=click.IntRange(1, 100_000), default=48, show_default=True,
    help="Chats to train on; rounded up to whole batches of 4, since mlx-lm never trains a rest.",
)  # fmt: skip
@click.option(
    "--learning-rate",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=bench.LEARNING_RATE,
    show_default=True,
    help="At its highest.",
)
@click.option(
    "--rivals", default="all", show_default=True, metavar="NAMES",
    help=f"Of {', '.join(RIVALS)}, with commas; or all; or none.",
)  # fmt: skip
@click.option(
    "--rival-share", type=click.FloatRange(0, 1, min_open=True), default=bench.RIVAL_SHARE, show_default=True,
    help="The share of its steps that mlx-lm with its own slow BLAS is timed on.",
)  # fmt: skip
@click.option("--peft-python", metavar="PATH", help="An interpreter that has torch, transformers and peft.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="Of weights and data.")
@click.pass_obj
def train(talk: Talk, /, rivals: str, **chosen: Any) -> Answer:
    """Train the same adapter on the same chats with mlxtwin, with mlx_lm.lora and with PyTorch, and compare.

    Each runs in a fresh process, one after the other: mlxtwin; mlx_lm.lora with the BLAS that mlxtwin uses; mlx_lm.lora
    as installed; PyTorch with PEFT where it is installed. All get one base with random weights, which is enough to
    measure speed and memory and says nothing about quality, the same start of the adapter, the same optimizer and
    schedule, and about as many chats in each step. One judge takes the loss of the same held-out replies under each
    result. No ratio is given where those losses are more than 0.02 nats per token apart, or where not every
    supervised token was trained.

    With the slow BLAS it brings on Linux, mlx_lm.lora as installed is timed on its first steps alone (--rival-share).
    It does there what it does with the fast one, step for step; so its held-out loss is that of the other run, after
    a check that both have the same loss after those steps. On a GPU the two are one and run in full.
    """
    found = bench.train(bench.Wanted(rivals=_names(rivals), **chosen), talk.note)
    notes = [f"{bench.NAMES[name]} failed: {why}." for name, why in found.get("failed", {}).items()]
    return Answer(found, report(found), tuple(notes), 1 if notes else 0)


def _names(rivals: str) -> tuple[str, ...] | None:
    if rivals == "all":
        return None
    return tuple(name for name in (part.strip() for part in rivals.split(",")) if name and name != "none")


def report(found: dict[str, Any]) -> str:
    """The table, why a ratio is missing, and the settings."""
    names = [name for name in bench.NAMES if name in found]
    lines = [table([HEADER, *(_row(found, name) for name in names)], ABOVE)]
    lines += [
        f"No ratio to {bench.NAMES[name]}: {ratio['reason']}."
        for name, ratio in found["ratio"].items()
        if ratio["reason"]
    ]
    if part := found.get(INSTALLED, {}).get("part"):
        lines.append(
            f"{bench.NAMES[INSTALLED]}: speed and memory are of {part['steps']} of its {part['of']} steps; its "
            "held-out loss is that of the same trainer with the fast BLAS."
        )
    return "\n\n".join([*lines, found["settings"]["measured"], fields(_settings(found))])


def _row(found: dict[str, Any], name: str) -> list[str]:
    one, ratio = found[name], found["ratio"].get(name, {})
    return [
        bench.NAMES[name],
        f"{one['seconds']:,.1f}",
        f"{one['supervised_tokens_per_second']:,.1f}",
        _number(one["supervised_tokens_per_second_first_epoch"]),
        _number(one["supervised_tokens_per_second_later_epochs"]),
        size(one["peak_memory_bytes"]) if one["peak_memory_bytes"] else "-",
        f"{one['holdout_nll']:.3f}",
        *(_ratio(ratio.get(key)) for key in ("speed", "speed_later_epochs", "memory")),
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.1f}"


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _settings(found: dict[str, Any]) -> list[tuple[str, str]]:
    had = found["settings"]
    return [
        ("device", f"{found['device']}; BLAS {had['blas']}, {had['threads']} threads"),
        ("base", f"{found['model']}: {had['parameters']:,} random parameters in {had['dtype']}"),
        ("adapter", f"LoRA on all linear layers of the last {had['num_layers']} blocks, rank {had['rank']}, "
                    f"scale {had['scale']}"),
        ("data", f"{had['examples']} chats of {SHORTEST} to {LONGEST} tokens, {had['tokens_per_epoch']:,} together, "
                 f"{had['supervised_tokens_per_epoch']:,} supervised; {had['held_out']} held out"),
        ("training", f"{had['epochs']} epochs, about {had['batch']} chats a step; {had['optimizer']}; learning rate "
                     f"{had['learning_rate']}, {had['schedule']}; seed {had['seed']}"),
        ("steps", ", ".join(f"{found[name]['steps']} {bench.NAMES[name]}" for name in bench.NAMES if name in found)),
        ("before", f"{had['base_holdout_nll']:.3f} nats per held-out token"),
        ("versions", ", ".join(f"{name} {number}" for name, number in _versions(found).items())),
    ]  # fmt: skip


def _versions(found: dict[str, Any]) -> dict[str, str]:
    versions: dict[str, str] = found["settings"]["versions"] | found.get("peft", {}).get("versions", {})
    return versions


@make_command("chat", "mlxtwin bench chat --model tiny")
@click.option(
    "--model", type=click.Choice(sorted(SHAPES)), default="135m", show_default=True,
    help="The shape of the base; its weights are random.",
)  # fmt: skip
@click.option("--blocks", type=click.IntRange(min=1), help="Adapters on so many of the last blocks; 8, of tiny 2.")
@click.option("--rank", type=click.IntRange(1, 512), default=8, show_default=True, help="Of the adapters.")
@click.option("--tokens", type=click.IntRange(8, 512), default=128, show_default=True, help="Of an answer.")
@click.option("--rounds", type=click.IntRange(1, 100), default=5, show_default=True, help="How often each is asked.")
@click.option(
    "--conversations", type=click.IntRange(1, 100), default=3, show_default=True,
    help="Of ten turns, for the time to the first token.",
)  # fmt: skip
@click.option(
    "--words", type=click.IntRange(1, 60), default=bench_chat.PROMPT_WORDS, show_default=True, help="Of a prompt.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Of weights and answers.")
@click.pass_obj
def chat(talk: Talk, /, **chosen: Any) -> Answer:
    """Answer with mlxtwin's engine and with mlx_lm's stream_generate, from the same base, and compare.

    The engine is asked as a chat asks it, through its socket, with the bare base and with an adapter. Besides: how long
    a change of adapter takes, and the time to the first token of the first and of the tenth turn of a conversation.
    """
    found = bench_chat.chat(bench_chat.Talked(**chosen), talk.note)
    return Answer(found, chat_report(found))


def chat_report(found: dict[str, Any]) -> str:
    """The table, what is measured of ours alone, and the settings."""
    rows = [(name, *(f"{found[who][f'{what}_tokens_per_second']:,.1f}" for what in ("bare", "adapter")))
            for name, who in (("mlxtwin", "ours"), ("mlx_lm", "mlx_lm"))]  # fmt: skip
    ratio = ("ours / its", *(f"{found['ratio'][what]:.2f}" for what in ("bare", "adapter")))
    first, had = found["first_token_ms"], found["settings"]
    alone = [
        ("swap", f"{found['swap_ms']:.1f} ms; {found['swap_first_ms']:.1f} ms the first time"),
        ("first token", f"{first['first']:.0f} ms in the first turn, {first['tenth']:.0f} ms in the tenth: "
                        f"{first['ratio']:.2f} times"),
        ("device", f"{found['device']}; BLAS {had['blas']}, {had['threads']} threads"),
        ("base", f"{found['model']}: {had['parameters']:,} random parameters in {had['dtype']}"),
        ("adapter", f"on the last {had['num_layers']} blocks, rank {had['rank']}"),
        ("answers", f"{had['tokens']} tokens, {had['rounds']} rounds"),
        ("versions", ", ".join(f"{name} {number}" for name, number in had["versions"].items())),
    ]  # fmt: skip
    return "\n\n".join([table([("tokens/s", "bare base", "adapter"), *rows, ratio]), had["measured"], fields(alone)])


command = group("bench", "Speed and memory against others, side by side in one run.", train, chat)
