from __future__ import annotations

from datetime import UTC, datetime

from . import Case

PAGE = """<html><head><meta http-equiv="Content-Type" content="text/html; charset=utf-8"/><title>Bread</title><style>
.page { margin: 0 }
</style></head><body><article id="0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9" class="page sans"><header>
<h1 class="page-title">Bread</h1><p class="page-description"></p><table class="properties"><tbody>
<tr class="property-row property-row-created_time"><th>Made on</th><td><time>@March 2, 2024 10:00 AM</time></td></tr>
<tr class="property-row property-row-select"><th>Tags</th><td><span class="selected-value">kitchen</span></td></tr>
</tbody></table></header><div class="page-body"><blockquote id="1">How do you bake the rye?</blockquote>
<p id="2">With patience and a hot stone.</p></div></article></body></html>
"""
CASE = Case(
    "notion", "Bread 0a1b2c3d4e5f60718293a4b5c6d7e8f9.html", PAGE, (), ("patience",), ("How do you bake",),
    datetime(2024, 3, 2, 10, tzinfo=UTC),
)  # fmt: skip
