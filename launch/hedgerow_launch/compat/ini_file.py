"""Older systems' INI files: coordinator, collector and database. The password goes into the store's URL alone."""

from __future__ import annotations

import configparser
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from hedgerow_nodes.core.environment import ConfigurationError

KEYS = {
    "coordinator": ("node_path", "handler_type_path", "service_type_path"),
    "collector": ("collector_addr", "collector_port", "node_path"),
    "database": ("db_addr", "db_port", "db_user", "db_passwd", "db_schema"),
}
MYSQL_PORT = "3306"


@dataclass(slots=True)
class IniFile:
    """What a file holds. `variables` may hold a secret; `warnings` never do."""

    node_path: Path | None = None
    service_type_path: Path | None = None
    variables: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def read(path: Path) -> IniFile:
    """Read a file; relative folders in it begin where it lies.

    Raises:
        ConfigurationError: it cannot be read, or a value in it cannot be used.
    """
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8"), source=path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error
    except configparser.Error as error:
        # The library's message repeats the line, which may hold the password.
        raise ConfigurationError(f"{path} is no INI file: {type(error).__name__}{_line(error)}") from error
    found = IniFile()
    for section in parser.sections():
        known = KEYS.get(section)
        for key in parser[section]:
            if known is None or key not in known:
                found.warnings.append(f"[{section}] {key} is unknown and ignored")
    _folders(parser, path.parent, found)
    _collector(parser, found)
    _database(parser, found)
    return found


def _folders(parser: configparser.ConfigParser, base: Path, found: IniFile) -> None:
    for section in ("coordinator", "collector"):
        text = parser.get(section, "node_path", fallback="")
        if text and found.node_path is None:
            found.node_path = base / text
            found.warnings.append("node_path is read once, as hints: workers announce themselves (HEDGEROW_PEERS)")
    text = parser.get("coordinator", "service_type_path", fallback="")
    if text:
        found.service_type_path = base / text
        found.warnings.append("service_type_path is read once: each file becomes a blueprint to deploy")
    if parser.has_option("coordinator", "handler_type_path"):
        found.warnings.append("handler_type_path is unused, as it always was: workers announce their handlers")


def _collector(parser: configparser.ConfigParser, found: IniFile) -> None:
    for key, ours in (("collector_addr", "HEDGEROW_COLLECTOR_ADDR"), ("collector_port", "HEDGEROW_COLLECTOR_PORT")):
        text = parser.get("collector", key, fallback="").strip()
        if text:
            found.variables[ours] = text
            found.warnings.append(f"{key} is an older name; write {ours}={text}, for reporters that post rows")


def _database(parser: configparser.ConfigParser, found: IniFile) -> None:
    if not parser.has_section("database"):
        return
    values = {key: parser.get("database", key, fallback="").strip() for key in KEYS["database"]}
    if not values["db_addr"] or not values["db_schema"]:
        raise ConfigurationError("[database] needs db_addr and db_schema, the host and the database")
    if values["db_port"] and not values["db_port"].isdecimal():
        raise ConfigurationError(f"[database] db_port {values['db_port']!r} is no port")
    address = f"[{values['db_addr']}]" if ":" in values["db_addr"] else values["db_addr"]
    place = f"{address}{':' + values['db_port'] if values['db_port'] else ''}/{quote(values['db_schema'], safe='')}"
    user = quote(values["db_user"], safe="")
    secret = f":{quote(values['db_passwd'], safe='')}" if values["db_passwd"] else ""
    found.variables["HEDGEROW_STORE"] = f"postgresql://{user + secret + '@' if user else ''}{place}"
    shown = f"postgresql://{user + (':***' if secret else '') + '@' if user else ''}{place}"
    found.warnings.append(f"db_addr, db_port, db_user, db_passwd and db_schema are older names; HEDGEROW_STORE={shown}")
    if values["db_port"] == MYSQL_PORT:
        found.warnings.append(f"db_port {MYSQL_PORT} is MySQL's; the store is PostgreSQL (port 5432) or SQLite")


def _line(error: configparser.Error) -> str:
    number = getattr(error, "lineno", None) or next((number for number, _ in getattr(error, "errors", [])), None)
    return f", line {number}" if number else ""
