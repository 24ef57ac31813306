"""What only a store in PostgreSQL can get wrong: its address, a server that is gone, the table of shapes.

What every store must keep to is in `test_store.py`.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cluster
import numpy as np
import pytest
import shapely
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError
from store_contract import MAY_DAY, PostgresSpec, area, draft, make_postgres
from town import SOUTH, STEP, WEST, grid_polygons, tables, toytown

from gridmap import lattice
from gridmap.coverage.canonical import checksum, to_bytes
from gridmap.coverage.partition import partition_of
from gridmap.errors import DamageError, HomeError, InputError, MissingExtraError
from gridmap.index.index import GridIndex
from gridmap.lookup import open_lookup
from gridmap.store import projection
from gridmap.store.address import CityAddress, blob_folder, open_store
from gridmap.store.home import Home
from gridmap.store.projection import Projection
from gridmap.store.sqlite import sqlite_url
from gridmap.twin import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from gridmap.store.editions import EditionDraft
    from gridmap.store.store import Store

psycopg = pytest.importorskip("psycopg", reason=str(cluster.lack()))
postgresql = pytest.importorskip("gridmap.store.postgresql")

JIEFANGBEI = (106.577, 29.559)
"""解放碑, the tower in the middle of Yuzhong."""


@pytest.fixture
def spec(tmp_path: Path) -> Iterator[PostgresSpec]:
    made = make_postgres(tmp_path)
    assert isinstance(made, PostgresSpec)
    yield made
    made.remove()


@pytest.fixture
def store(spec: PostgresSpec) -> Iterator[Store]:
    with spec.open() as opened:
        yield opened


def sql(spec: PostgresSpec, *statements: str) -> list[tuple[Any, ...]]:
    """Ask as a stranger with SQL would; the rows of the last statement."""
    return cluster.running().run(*statements, database=spec.database)


def town_draft(base: int | None = None, **others: object) -> EditionDraft:
    partition = toytown()
    body = to_bytes(partition)
    return draft(base, list(partition.areas()), body, **({"checksum": checksum(body)} | others))


# Addresses


@pytest.mark.parametrize(
    "url",
    [
        "",
        "city",
        "mysql://root:hunter2@host/db",
        "postgresql+psycopg2://a:hunter2@b/c",
        "postgresql://a:hunter2@b:x/c",
    ],
)
def test_what_is_no_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(InputError, match="write postgresql://USER") as caught:
        open_store(url)
    assert "hunter2" not in str(caught.value)


def test_a_sqlite_file_is_named_by_its_home(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="name its folder as the home"):
        open_store(str(sqlite_url(tmp_path / "city.sqlite")))
    assert list(tmp_path.iterdir()) == []


def test_a_city_is_in_a_home_or_at_an_address(spec: PostgresSpec, tmp_path: Path) -> None:
    home = CityAddress(tmp_path / "home")
    with home.open(create=True) as store:
        store.publish(draft(None))
    with replace(home, url=spec.url).open(create=True) as store:
        assert store.current() is None
    with home.open() as store:
        assert store.current() is not None
    with pytest.raises(InputError, match="blobs: a home keeps its blobs itself"):
        replace(home, blobs_url="file:///srv/blobs").open()
    with pytest.raises(HomeError, match="no such folder"):
        CityAddress(tmp_path / "other").open()


def test_an_address_is_shown_without_its_password() -> None:
    home = CityAddress(Path("city"))
    assert (str(home), home.option) == ("city", "--home city")
    there = CityAddress(Path("city"), "postgres://li:hunter2@db.example:5433/city?sslmode=require")
    assert str(there) == "postgresql://li@db.example:5433/city"
    assert there.option == "--store postgresql://li@db.example:5433/city"


@pytest.mark.parametrize(
    "url", ["", "/srv/blobs", "file:srv", "file:///", "file://host/srv", "s3://bucket/blobs"]
)
def test_a_folder_of_blobs_has_an_address(url: str) -> None:
    with pytest.raises(InputError, match="write file:///srv/gridmap/blobs"):
        blob_folder(url)
    assert str(blob_folder("file:///srv/my%20blobs")) == "/srv/my blobs"


def test_blobs_may_be_in_a_folder_that_all_machines_see(spec: PostgresSpec, tmp_path: Path) -> None:
    folder = (tmp_path / "shared").as_uri()
    with open_store(spec.url, folder) as store:
        edition = store.publish(draft(None, body=b"shapes"))
        assert (tmp_path / "shared" / edition.blob[:2] / edition.blob).read_bytes() == b"shapes"
        assert store.body(1) == b"shapes"
        store.verify()
    with (
        spec.open() as store,
        pytest.raises(DamageError, match="keeps its blobs in a folder, name that folder"),
    ):
        store.body(1)


def test_files_are_cached_for_the_user(
    spec: PostgresSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with open_store(spec.url) as store:
        key = store._blobs.put(b"shapes")
        assert store._blobs.path(key).is_relative_to(tmp_path / "cache" / "gridmap")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    with open_store(spec.url) as store:
        assert store._blobs.path(key).is_relative_to(tmp_path / "me" / ".cache" / "gridmap")


def test_a_missing_driver_is_named_with_the_line_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "gridmap.store.postgresql")
    monkeypatch.delattr("gridmap.store.postgresql")
    with pytest.raises(MissingExtraError, match=r"pip install 'gridmap\[postgres\]'"):
        open_store("postgresql://127.0.0.1/city")


# A server that is not there, or does not want


def refusal(url: str) -> str:
    with pytest.raises(HomeError) as caught:
        open_store(url)
    said = str(caught.value)
    assert cluster.PASSWORD not in said
    assert "\n" not in said
    return said


def test_what_keeps_a_store_from_opening_is_said(spec: PostgresSpec) -> None:
    server = cluster.running()
    assert "no server listens there" in refusal("postgresql://gridmap@127.0.0.1:1/city")
    assert "the password or the user is wrong" in refusal(server.url(spec.database, password="other"))
    assert "the server asks for a password" in refusal(f"postgresql://gridmap@127.0.0.1:{server.port}/x")
    assert 'database "nowhere" does not exist; there is no such' in refusal(server.url("nowhere"))
    shown = f"postgresql://gridmap@127.0.0.1:{server.port}/nowhere: "
    assert refusal(server.url("nowhere") + "?application_name=x").startswith(shown)


def test_a_database_that_cannot_hold_every_name_is_refused() -> None:
    server = cluster.running()
    server.run("CREATE DATABASE narrow ENCODING 'SQL_ASCII' TEMPLATE template0")
    assert "the encoding of this database is SQL_ASCII" in refusal(server.url("narrow"))
    cluster.drop_database("narrow")


def test_a_server_that_restarts_is_found_again(store: Store) -> None:
    store.publish(draft(None, [area("1")]))
    server = cluster.running()
    server.stop()
    server.start()
    assert store.areas(1) == [area("1")]  # the connections of the pool are dead, nobody sees it
    server.stop()
    try:
        for ask in (store.current, lambda: store.publish(draft(1))):
            with pytest.raises(HomeError, match="no server listens there: start it"):
                ask()
    finally:
        server.start()
    assert store.publish(draft(1)).number == 2


def cut_connection(spec: PostgresSpec) -> None:
    others = "pid <> pg_backend_pid() AND datname = current_database()"
    sql(spec, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")


def crash_server(_spec: PostgresSpec) -> None:
    cluster.running().stop()
    cluster.running().start()


@pytest.mark.parametrize("cut", [cut_connection, crash_server])
def test_a_connection_that_is_lost_in_a_publish_changes_nothing(
    spec: PostgresSpec,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    cut: Callable[[PostgresSpec], None],
) -> None:
    def cut_then_tell() -> datetime:
        cut(spec)
        return MAY_DAY

    store.publish(draft(None, [area("1")]))
    monkeypatch.setattr(store, "_clock", cut_then_tell)
    with pytest.raises(HomeError, match=r"the server ended this|connection to the server was lost"):
        store.publish(draft(1, [area("2")]))
    monkeypatch.undo()
    assert store.codes_ever() == {"1"}
    assert store.publish(draft(1, [area("2")])).number == 2


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("FATAL:  the database system is starting up", "just starting: try again"),
        ("FATAL:  the database system is not yet accepting connections", "just starting: try again"),
        ("FATAL:  the database system is shutting down", "just stopping"),
        ('FATAL:  role "x" does not exist', "no such user"),
        ('FATAL:  permission denied for database "city"', "GRANT CONNECT"),
        ("FATAL:  sorry, too many clients already", "raise max_connections"),
        ("[Errno -2] Name or service not known: could not translate host name", "no host of this name"),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.1"', "pg_hba.conf"),
        ("严重错误: 用户认证失败", "look whether it runs, and at host, port, user, password and database"),
    ],
)
def test_what_a_server_says_at_the_door_gets_its_advice(said: str, advice: str) -> None:
    kind, told = postgresql.told(OperationalError("", None, psycopg.OperationalError(said))) or (None, "")
    assert kind is HomeError
    assert advice in told


def test_an_error_of_our_own_stays_what_it_is() -> None:
    assert postgresql.told(ProgrammingError("", None, psycopg.errors.SyntaxError())) is None


def test_a_writer_does_not_wait_for_ever(
    spec: PostgresSpec, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "LOCK_TIMEOUT_S", 0.2)
    with spec.open() as other, store._database.writing():
        assert other.current() is None  # a reader does not wait at all
        with pytest.raises(HomeError, match="another program has been writing"):
            other.publish(draft(None))


def test_a_user_who_may_only_read_reads(spec: PostgresSpec) -> None:
    with spec.open() as store:
        store.publish(town_draft())
    sql(
        spec,
        "DROP ROLE IF EXISTS reader",
        "CREATE ROLE reader LOGIN PASSWORD 'reading'",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader",
    )
    url = cluster.running().url(spec.database, user="reader", password="reading")
    with open_store(url, cache=cluster.running().folder / "reader") as store:
        assert store.body(1) == to_bytes(toytown())
        with pytest.raises(HomeError, match="this user lacks a right"):
            store.publish(draft(1))
    with open_store(url, read_only=True) as store:
        assert len(store.areas(1)) == 15
        with pytest.raises(HomeError, match="opened for reading only; open it for writing"):
            store.publish(draft(1))


def test_what_postgresql_cannot_hold_is_refused_in_words(store: Store) -> None:
    store.publish(draft(None))
    with pytest.raises(HomeError, match="cannot hold this value"):
        store.publish(draft(1, [area("1", "nul \0 inside")]))
    with pytest.raises(HomeError, match="cannot hold this value"):
        store.put_devices({"code": ["d"], "kind": ["k"], "x": [1 << 40], "y": [0], "building": [None]})
    assert store.counts() == {"editions": 1, "codes": 0, "devices": 0, "staff": 0}


def test_a_commit_is_on_disk_also_where_the_server_is_careless(spec: PostgresSpec) -> None:
    sql(spec, f"ALTER DATABASE {spec.database} SET synchronous_commit = off")
    with spec.open() as store, store._database.writing() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar_one() == "on"


def test_readers_and_writers_are_isolated_as_stated(store: Store) -> None:
    ask = "SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')"
    with store._database.reading() as connection:
        assert connection.exec_driver_sql(ask).one() == ("repeatable read", "on")
    with store._database.writing() as connection:
        assert connection.exec_driver_sql(ask).one() == ("read committed", "off")


# The table of shapes


def test_psql_finds_the_grid_that_locate_finds(spec: PostgresSpec, yuzhong: Path) -> None:
    with Home.open(yuzhong).store() as home:
        edition, body, areas = home.current(), home.body(1), home.areas(1)
    assert edition is not None
    with spec.open() as store:
        store.publish(draft(None, areas, body, checksum=edition.checksum))
    snapshot = Snapshot(open_lookup(yuzhong))
    code = snapshot.locate(*JIEFANGBEI, "wgs84")
    point = "ST_SetSRID(ST_Point({}, {}), 4326)".format(*JIEFANGBEI)
    question = f"SELECT code FROM current_areas WHERE level = 'grid' AND ST_Contains(geom, {point})"
    done = subprocess.run(
        ["psql", spec.url, "-At", "-c", question], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == (f"{code}\n", "")
    chain = f"SELECT code FROM current_areas WHERE ST_Covers(geom, {point}) ORDER BY code"
    assert [code for (code,) in sql(spec, chain)] == [area.code for area in snapshot.chain(code or "")]


def test_postgis_and_the_index_agree_off_the_borders(spec: PostgresSpec, store: Store) -> None:
    store.publish(town_draft())
    partition = toytown()
    rng = np.random.default_rng(3)
    xs = rng.integers(WEST - STEP, WEST + 10 * STEP, 500).astype(np.int32)
    ys = rng.integers(SOUTH - STEP, SOUTH + 5 * STEP, 500).astype(np.int32)
    rows = GridIndex.from_coverage(partition.coverage).at_many(xs, ys)
    lons, lats = lattice.to_degrees(xs, ys)
    points = ",".join(
        f"({n},{x!r},{y!r})" for n, (x, y) in enumerate(zip(lons.tolist(), lats.tolist(), strict=True))
    )
    found = sql(
        spec,
        f"SELECT n, array_agg(code ORDER BY code) FROM (VALUES {points}) AS p(n, x, y) JOIN current_areas "
        "ON level = 'grid' AND ST_Covers(geom, ST_SetSRID(ST_Point(x, y), 4326)) GROUP BY n",
    )
    owners = {n: codes[0] for n, codes in found}
    assert owners == {n: partition.finest.codes[row] for n, row in enumerate(rows.tolist()) if row >= 0}
    assert 100 < len(owners) < 500


def test_every_area_is_there_as_a_valid_multipolygon(spec: PostgresSpec, store: Store) -> None:
    edition = store.publish(town_draft())
    assert store.projection() == Projection(1, 15, None)
    found = sql(
        spec, "SELECT feature, code, name, level, kind, parent, edition FROM current_areas ORDER BY code"
    )
    known = store.features()
    assert found == [
        (known[a.code], a.code, a.name, a.level, a.kind, a.parent, edition.number) for a in store.areas(1)
    ]
    shape = "ST_IsValid(geom), GeometryType(geom), ST_SRID(geom), ST_NumGeometries(geom), ST_NRings(geom)"
    found = sql(spec, f"SELECT code, {shape} FROM current_areas")
    shapes = {code: tuple(rest) for code, *rest in found}
    assert {shape[:3] for shape in shapes.values()} == {(True, "MULTIPOLYGON", 4326)}
    assert shapes["500999001001001"][3:] == (1, 2)  # a school in a hole
    assert shapes["500999100200003"][3:] == (2, 2)  # an island
    exact = "SELECT ST_XMin(geom), ST_YMax(geom) FROM current_areas WHERE code = '500999001001901'"
    assert sql(spec, exact) == [(1065008000 / 10**7, 295034000 / 10**7)]


def test_a_map_program_finds_what_it_needs(spec: PostgresSpec, store: Store) -> None:
    store.publish(town_draft())
    registered = "SELECT f_geometry_column, coord_dimension, srid, type FROM geometry_columns"
    assert sql(spec, registered) == [("geom", 2, 4326, "MULTIPOLYGON")]
    key = "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
    found = sql(spec, f"{key} WHERE conrelid = 'current_areas'::regclass AND contype = 'p'")
    assert found == [("PRIMARY KEY (feature)",)]
    indexes = sql(spec, "SELECT indexdef FROM pg_indexes WHERE tablename = 'current_areas'")
    assert sum("USING gist (geom)" in definition for (definition,) in indexes) == 1


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE current_areas SET name = 'mine'",
        "DELETE FROM current_areas",
        "TRUNCATE current_areas",
        "INSERT INTO current_areas SELECT * FROM current_areas",
    ],
)
def test_the_table_is_for_reading_and_says_so(spec: PostgresSpec, store: Store, change: str) -> None:
    store.publish(town_draft())
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match=r"for reading: .* publish an edition"):
        sql(spec, change)
    assert store.projection().rows == 15


def test_the_table_follows_the_editions_and_never_half(spec: PostgresSpec, store: Store) -> None:
    store.publish(town_draft())
    renamed = replace(town_draft(1), areas=[replace(a, name=f"{a.name}!") for a in toytown().areas()])
    store.publish(renamed)
    assert sql(spec, "SELECT DISTINCT edition, right(name, 1) FROM current_areas") == [(2, "!")]
    nameless = replace(town_draft(2), areas=[replace(a, name=None) for a in toytown().areas()])  # type: ignore[arg-type] # the database is to refuse it
    with pytest.raises(IntegrityError, match="null value"):
        store.publish(nameless)
    assert store.projection() == Projection(2, 15, None)
    store.publish(draft(2, [area("1")]))  # a body without shapes
    assert store.projection() == Projection(None, 0, None)


def test_a_body_that_is_cut_is_not_published(store: Store) -> None:
    whole = town_draft()
    with pytest.raises(DamageError, match="ends in the middle"):
        store.publish(replace(whole, body=whole.body[:-100]))
    assert store.current() is None


def test_an_area_that_owns_nothing_has_an_empty_shape(spec: PostgresSpec, store: Store) -> None:

    polygons = grid_polygons()
    polygons[3] = shapely.Polygon()
    levels = tables()
    partition = partition_of(levels, {levels[-1].level: polygons})
    store.publish(draft(None, list(partition.areas()), to_bytes(partition)))
    empty = "SELECT code, GeometryType(geom) FROM current_areas WHERE ST_IsEmpty(geom)"
    assert sql(spec, empty) == [(partition.finest.codes[3], "MULTIPOLYGON")]


def test_a_database_without_postgis_works_and_says_what_is_missing(tmp_path: Path) -> None:
    server = cluster.running()
    name = cluster.make_database()
    server.run(
        "DROP ROLE IF EXISTS plain",
        "CREATE ROLE plain LOGIN PASSWORD 'plain'",
        f"ALTER DATABASE {name} OWNER TO plain",
    )
    url = server.url(name, user="plain", password="plain")
    with open_store(url, cache=tmp_path) as store:
        store.publish(town_draft())
        assert store.body(1) == to_bytes(toytown())
        lack = "let a superuser type CREATE EXTENSION postgis in this database, then publish again"
        assert store.projection() == store.project() == Projection(None, 0, lack)
        server.run("CREATE SCHEMA elsewhere", "CREATE EXTENSION postgis SCHEMA elsewhere", database=name)
        assert "with USAGE of the schema of PostGIS" in str(store.project().lack)
        server.run("GRANT USAGE ON SCHEMA elsewhere TO plain", database=name)
        assert "open this store for writing" in str(store.projection().lack)
        assert store.project() == store.project() == Projection(1, 15, None)
    cluster.drop_database(name)


def test_a_server_without_postgis_says_what_to_install(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = projection._STATE_SQL.replace("'postgis'", "'nopostgis'").replace("'current_areas'", "'nowhere'")
    monkeypatch.setattr(projection, "_STATE_SQL", asked)
    found = store.project()
    assert str(found.lack).startswith("this server has no PostGIS: install it (Debian: postgresql-postgis)")


def test_a_home_has_no_table_of_shapes_and_says_so(tmp_path: Path) -> None:
    with Home.create(tmp_path / "home").store() as store:
        store.publish(town_draft())
        assert store.projection() == store.project()
        assert "only a store in PostgreSQL has a table of shapes" in str(store.projection().lack)
