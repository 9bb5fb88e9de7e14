"""``nachuan sources audit`` as an operator uses it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harvester import sourcefiles
from tests.harvester.family_portals import source_at
from tests.hostile import HostileServer, answer
from tests.nachuan.test_commands import Command, nachuan

__all__ = ["nachuan"]

ROWS = [
    {"标题": "公交", "提供单位": "交通局", "更新频率": "每年", "涉密等级": "一般"},
    {"标题": "路灯", "提供单位": "城管局", "更新频率": "看情况"},
]


@pytest.mark.slow
def test_an_audit_tells_undecided_keys_and_writes_what_is_understood_as_csv(nachuan: Command, tmp_path: Path) -> None:
    with HostileServer({"/list": answer(json.dumps(ROWS))}) as portal:
        source = source_at(f"{portal.url}/list", "csvlist")
        (tmp_path / "cn.toml").write_text(sourcefiles.write(source), encoding="utf-8")
        assert nachuan("db", "upgrade").returncode == 0
        assert nachuan("sources", "apply", str(tmp_path / "cn.toml")).returncode == 0
        harvested = nachuan("harvest", "cn")
        assert harvested.returncode == 0, harvested.stderr
    told = nachuan("sources", "audit", "cn")
    assert "涉密等级" in told.stdout and "看情况 (1)" in told.stdout
    assert nachuan("sources", "audit", "cn", "--csv").stdout.splitlines() == [
        "field,given,understood,share,not_understood,count",
        "frequency,2,1,0.5000,,1",
        "frequency,,,,看情况,1",
    ]
    undecided = json.loads(nachuan("sources", "audit", "cn", "--json").stdout)["undecided"]
    assert undecided == [{"path": "涉密等级", "records": 1, "example": "一般"}]
