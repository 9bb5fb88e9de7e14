"""``nachuan decisions``: a table out of one installation and into another."""

from __future__ import annotations

from pathlib import Path

import pytest

from nachuan.errors import EXPECTED
from portal.catalog.audit import COMMAND
from portal.catalog.decisions import Ruling, RulingRefused, Verdict
from portal.catalog.store import Catalog
from tests.nachuan.test_user import home, ran

__all__ = ["home"]

RULINGS = (
    Ruling(name="地区管理员", verdict=Verdict.NO_NAME, note="“系统用户”, 两个\n逗号"),
    Ruling(
        name="=市信息中心", source_id="hangzhou", verdict=Verdict.DEPARTMENT, functions=("data", "market"),
        institution_type="public_institution", region="330100",
    ),
    Ruling(name="某公司", verdict=Verdict.NO_DEPARTMENT, institution_type="enterprise"),
)


def catalogue(home: Path) -> Catalog:
    return Catalog(f"sqlite:///{home / 'nachuan.db'}")


def test_decisions_go_out_as_a_table_and_come_in_the_same_once(home: Path, tmp_path: Path) -> None:
    catalog = catalogue(home)
    numbers = [catalog.decisions.decide(ruling, by="lin").number for ruling in RULINGS]
    table = tmp_path / "decisions.csv"
    table.write_text(ran("decisions", "export").stdout, encoding="utf-8")
    assert ran("decisions", "import", str(table)).stdout == "Took over 0 decisions; 3 stood already.\n"
    for number in numbers:
        catalog.decisions.undo(number, by="lin")
    assert ran("decisions", "import", str(table)).stdout == "Took over 3 decisions; 0 stood already.\n"
    standing = catalog.decisions.standing()
    assert {one.ruling for one in standing} == set(RULINGS) and {one.by for one in standing} == {COMMAND}
    catalog.close()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name,source\nx,\n", "first line must name the columns"),
        ("name,source,verdict\nx,,no-name\ny,,perhaps\n", "line 3: 'perhaps'"),
        ("name,source,verdict,functions\nx,,no-name,\ny,,department,no-such\n", "'y': its functions cannot be"),
        ("name,source,verdict\nx,,no-name\n\xff", "not in UTF-8"),
    ],
)
def test_a_table_that_cannot_be_is_refused_whole(home: Path, tmp_path: Path, text: str, told: str) -> None:
    table = tmp_path / "decisions.csv"
    table.write_bytes(text.encode("latin-1"))
    refused = ran("decisions", "import", str(table))
    assert isinstance(refused.exception, RulingRefused) and isinstance(refused.exception, EXPECTED)
    assert told in str(refused.exception) and "\n" not in str(refused.exception)
    catalog = catalogue(home)
    assert catalog.decisions.standing() == []
    catalog.close()
