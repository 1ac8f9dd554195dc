"""INI files of the described coordinator and collector: what becomes of each key, and where the password is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import make_url

from hedgerow_launch.compat import ini_file
from hedgerow_nodes.core.environment import ConfigurationError

COORDINATOR = """
[coordinator]
node_path = ./nodes
handler_type_path = handlers
service_type_path = /srv/services
[database]
db_addr = 10.0.0.9
db_port = 3306
db_user = report:er
db_passwd = p%40ss/w@rd
db_schema = reports
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "coordinator.conf"
    path.write_text(text)
    return path


def test_every_key_of_a_coordinator(tmp_path: Path) -> None:
    found = ini_file.read(written(tmp_path, COORDINATOR))
    assert (found.node_path, found.service_type_path) == (tmp_path / "nodes", Path("/srv/services"))
    url = make_url(found.variables["HEDGEROW_STORE"])
    assert (url.host, url.port, url.username, url.password, url.database) == (
        "10.0.0.9",
        3306,
        "report:er",
        "p%40ss/w@rd",
        "reports",
    )
    said = "\n".join(found.warnings)
    assert "HEDGEROW_STORE=postgresql://report%3Aer:***@10.0.0.9:3306/reports" in said
    assert "w@rd" not in said
    assert "w%40rd" not in said
    assert "handler_type_path is unused" in said
    assert "3306 is MySQL's" in said


def test_every_key_of_a_collector(tmp_path: Path) -> None:
    text = "[collector]\ncollector_addr = 0.0.0.0\ncollector_port = 9001\nnode_path = nodes\ncolour = green\n"
    found = ini_file.read(written(tmp_path, text))
    assert found.variables == {"HEDGEROW_COLLECTOR_ADDR": "0.0.0.0", "HEDGEROW_COLLECTOR_PORT": "9001"}
    assert found.node_path == tmp_path / "nodes"
    assert "[collector] colour is unknown and ignored" in found.warnings
    assert any("HEDGEROW_COLLECTOR_PORT=9001" in warning for warning in found.warnings)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[database]\ndb_passwd = secret\n", "needs db_addr and db_schema"),
        ("[database]\ndb_addr=a\ndb_schema=b\ndb_port=x\ndb_passwd=secret\n", "db_port 'x'"),
        ("[database]\ndb_passwd\n = secret\n", "no INI file"),
        ("db_passwd = secret\n", "no INI file"),
        ("[database]\ndb_passwd = secret\ndb_passwd = secret\n", "no INI file: DuplicateOptionError, line 3"),
    ],
)
def test_what_cannot_be_used_is_told_without_the_password(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        ini_file.read(written(tmp_path, text))
    assert says in str(raised.value)
    assert "secret" not in str(raised.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        ini_file.read(tmp_path / "none.conf")
