from __future__ import annotations

import subprocess
import sys

import pytest

from mlxtwin_tui.app import PAGES, TwinApp

from .fakes import FakeHouse

SIZES = [(60, 20), (80, 24), (120, 40)]


@pytest.mark.parametrize("size", SIZES)
async def test_every_screen_is_reached_by_its_key_and_shows_its_tab(size: tuple[int, int]) -> None:
    app = TwinApp(FakeHouse())
    async with app.run_test(size=size) as pilot:
        for place, page in enumerate(PAGES, start=2):
            await pilot.press(f"f{place}")
            await pilot.pause()
            assert isinstance(app.screen, page)
            assert app.screen.query_one("#navigation").active == f"tab-{page.NAME}"


async def test_a_click_on_a_tab_goes_there() -> None:
    app = TwinApp(FakeHouse())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.click("#tab-slots")
        await pilot.pause()
        assert app.screen.NAME == "slots"


async def test_the_palette_knows_every_screen() -> None:
    app = TwinApp(FakeHouse())
    async with app.run_test():
        titles = {command.title for command in app.get_system_commands(app.screen)}
        assert {f"Go to {page.TITLE}" for page in PAGES} <= titles


async def test_a_crash_shows_no_personal_text(capsys: pytest.CaptureFixture[str]) -> None:
    class Broken(FakeHouse):
        def overview(self) -> object:  # type: ignore[override]
            private = "my secret diary"
            raise RuntimeError(f"broken by {private}")

    app = TwinApp(Broken())
    with pytest.raises(RuntimeError):
        async with app.run_test() as pilot:
            await pilot.pause()
    shown = "".join(capsys.readouterr())
    assert "RuntimeError" in shown
    assert "secret" not in shown


def test_the_screens_import_no_model_library() -> None:
    code = (
        "import sys, mlxtwin_tui.app; "
        "bad = {'mlx', 'mlx_lm', 'transformers', 'torch'} & set(sys.modules); sys.exit(str(bad) if bad else 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
