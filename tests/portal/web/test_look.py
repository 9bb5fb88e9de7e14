"""What of the look a machine can check."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

STYLES = ("site", "charts", "print")

CSS = "".join(files("portal.web").joinpath(f"static/{name}.css").read_text(encoding="utf-8") for name in STYLES)

_LIGHT, _DARK = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)[:2]

INKS = ("ink", "second", "accent", "good", "amber", "red", "unknown")

PAIRS = (
    *((ink, ground) for ink in INKS for ground in ("paper", "wash")),
    ("ink", "mark"),
    ("accent", "mark"),
    ("on-accent", "accent"),
    ("ink", "step1"),
    ("ink", "step2"),
    ("ink", "step3"),
    ("on-deep", "step4"),
    ("on-deep", "step5"),
    ("second", "hatch"),
)


def colours(block: str) -> dict[str, str]:
    return {name: value for name, value in re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", block)}


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    channels = [int(digits[place:][:2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("block", [_LIGHT, _DARK], ids=["light", "dark"])
def test_every_ink_can_be_read_on_its_ground(block: str) -> None:
    values = colours(block)
    found = {}
    for ink, ground in PAIRS:
        lighter, darker = sorted((luminance(values[ink]), luminance(values[ground])), reverse=True)
        found[ink, ground] = round((lighter + 0.05) / (darker + 0.05), 2)
    assert {pair: ratio for pair, ratio in found.items() if ratio < 4.5} == {}


def test_the_style_loads_nothing_and_names_its_colours_once() -> None:
    rules = CSS.replace(_LIGHT, "").replace(_DARK, "")
    assert "url(" not in CSS and "@import" not in CSS
    assert re.findall(r"#[0-9a-f]{3,6}\b", rules) == []


def test_nothing_moves_for_a_reader_who_wants_it_still() -> None:
    before, after = CSS.split("@media (prefers-reduced-motion: no-preference)")
    outside = before + after.partition("\n}\n")[2]
    assert "animation" not in outside and "transition" not in outside
