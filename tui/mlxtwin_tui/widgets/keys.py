"""The key of an action as it is now, for sentences that name one: people may have chosen others."""

from __future__ import annotations

from textual.dom import DOMNode


def key_of(widget: DOMNode, id: str) -> str:
    """How the key of the binding with this id is written, of the widget's screen or the app; empty for none."""
    for owner in (widget.screen, widget.app):
        for found in owner._bindings.key_to_bindings.values():
            for binding in found:
                if binding.id == id:
                    chosen = widget.app._keymap.get(id, binding.key).split(",")[0]
                    return widget.app.get_key_display(binding.with_key(chosen))
    return ""
