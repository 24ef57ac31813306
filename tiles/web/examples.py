"""Each question as a line for curl, for Python and for JavaScript: the page `/examples`.

The tests run every one of them against a running service, so they are what works. They name the service as
`SERVICE`, where a test may put another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SERVICE: Final = "http://127.0.0.1:8000"


@dataclass(frozen=True, slots=True)
class Example:
    """One question: the operation that it asks (as in the OpenAPI document), and how."""

    operation: str
    zh: str
    en: str
    curl: str
    python: str
    javascript: str


PYTHON_FIRST: Final = """\
from gridmap.client import Client
city = Client("http://127.0.0.1:8000")"""
"""What stands before every Python line."""

_SQUARE: Final = "[[[106.57,29.55],[106.58,29.55],[106.58,29.56],[106.57,29.56],[106.57,29.55]]]"

EXAMPLES: Final = (
    Example(
        "locate",
        "一个点属于哪个网格",
        "Which grid is a point in?",
        "curl 'http://127.0.0.1:8000/locate?lon=106.577&lat=29.559&crs=wgs84'",
        'print(city.locate(106.577, 29.559, "wgs84").code)',
        "console.log((await (await fetch('http://127.0.0.1:8000/locate?lon=106.577&lat=29.559&crs=wgs84')).json()).code)",
    ),
    Example(
        "locate",
        "高德坐标的点属于哪个社区，离边界多远",
        "Which community is a point of AMap in, and how far is the border?",
        "curl 'http://127.0.0.1:8000/locate?lon=106.58069&lat=29.55611&crs=gcj02&level=community&explain=1'",
        'print(city.locate(106.58069, 29.55611, "gcj02", level="community", explain=True).edge_m)',
        "console.log((await (await fetch('http://127.0.0.1:8000/locate?lon=106.58069&lat=29.55611&crs=gcj02"
        "&level=community&explain=1')).json()).edge_m)",
    ),
    Example(
        "locate_many",
        "许多点，JSON",
        "Many points, as JSON",
        "curl http://127.0.0.1:8000/locate -H 'Content-Type: application/json' "
        """-d '{"crs":"wgs84","points":[[106.577,29.559],[106.53,29.54]]}'""",
        'print(city.locate_many([106.577, 106.53], [29.559, 29.54], "wgs84").codes)',
        "console.log(await (await fetch('http://127.0.0.1:8000/locate', {method: 'POST', "
        "headers: {'Content-Type': 'application/json'}, "
        "body: JSON.stringify({crs: 'wgs84', points: [[106.577, 29.559], [106.53, 29.54]]})})).json())",
    ),
    Example(
        "locate_many",
        "许多点，表格：原样返回，末尾加三列",
        "Many points, as a table: it comes back as it was, with three more columns",
        "printf 'name,lon,lat\\n解放碑,106.577,29.559\\n' | curl 'http://127.0.0.1:8000/locate?crs=wgs84' "
        "-H 'Content-Type: text/csv' --data-binary @-",
        'import pyarrow; print(city.locate_table(pyarrow.table({"lon": [106.577], "lat": [29.559]}), '
        '"wgs84"))',
        "console.log(await (await fetch('http://127.0.0.1:8000/locate?crs=wgs84', {method: 'POST', "
        "headers: {'Content-Type': 'text/csv'}, body: 'name,lon,lat\\n解放碑,106.577,29.559\\n'})).text())",
    ),
    Example(
        "nearby",
        "附近有什么",
        "What is near?",
        "curl 'http://127.0.0.1:8000/nearby?lon=106.577&lat=29.559&crs=wgs84&kind=camera&k=3'",
        'print([thing.text for thing in city.nearby(106.577, 29.559, "wgs84", kind="camera", k=3).things])',
        "console.log((await (await fetch('http://127.0.0.1:8000/nearby?lon=106.577&lat=29.559&crs=wgs84"
        "&kind=camera&k=3')).json()).things.map(thing => thing.text))",
    ),
    Example(
        "within",
        "范围内有哪些网格，多少户",
        "Which grids lie in a polygon, and how many households?",
        "curl http://127.0.0.1:8000/within -H 'Content-Type: application/geo+json' "
        f"""-d '{{"type":"Polygon","coordinates":{_SQUARE}}}'""",
        f'print(city.within({{"type": "Polygon", "coordinates": {_SQUARE}}}).households)',
        "console.log((await (await fetch('http://127.0.0.1:8000/within', {method: 'POST', "
        "headers: {'Content-Type': 'application/geo+json'}, "
        f"body: JSON.stringify({{type: 'Polygon', coordinates: {_SQUARE}}})}})).json()).households)",
    ),
    Example(
        "areas",
        "顶层区域",
        "The areas of the top level",
        "curl http://127.0.0.1:8000/areas",
        "print([area.name for area in city.areas()])",
        "console.log((await (await fetch('http://127.0.0.1:8000/areas')).json()).areas"
        ".map(area => area.name))",
    ),
    Example(
        "area",
        "一个区域的下级与面积",
        "One area: what lies in it, and how large it is",
        "curl http://127.0.0.1:8000/areas/500103",
        'print(city.area("500103").measures.area_m2)',
        "console.log((await (await fetch('http://127.0.0.1:8000/areas/500103')).json()).measures.area_m2)",
    ),
    Example(
        "area",
        "一个区域的边界",
        "The border of an area",
        "curl 'http://127.0.0.1:8000/areas/500103?f=geojson'",
        'print(city.border("500103")["bbox"])',
        "console.log((await (await fetch('http://127.0.0.1:8000/areas/500103?f=geojson')).json()).bbox)",
    ),
    Example(
        "tilejson",
        "网格瓦片在哪里（交给地图库即可）",
        "Where are the tiles of the grids? A map library takes this address as its source",
        "curl http://127.0.0.1:8000/tiles/grid.json",
        'print(city.tilejson("grid")["tiles"])',
        "console.log((await (await fetch('http://127.0.0.1:8000/tiles/grid.json')).json()).tiles)",
    ),
    Example(
        "tilejson",
        "百度地图用的瓦片",
        "The same, for maps of Baidu",
        "curl 'http://127.0.0.1:8000/tiles/grid.json?scheme=bd09'",
        'print(city.tilejson("grid", scheme="bd09")["bounds"])',
        "console.log((await (await fetch('http://127.0.0.1:8000/tiles/grid.json?scheme=bd09')).json()).bounds)",
    ),
    Example(
        "tile",
        "一张瓦片",
        "One tile",
        "curl http://127.0.0.1:8000/tiles/grid.json | "
        """sed 's/.*"tiles":\\["\\([^"]*\\)".*/\\1/; s/{z}/14/; s/{x}/13042/; s/{y}/6782/' """
        "| xargs curl --compressed | wc -c",
        'print(len(city.tile("grid", 14, 13042, 6782)))',
        "console.log((await (await fetch((await (await fetch('http://127.0.0.1:8000/tiles/grid.json')).json())"
        ".tiles[0].replace('{z}', 14).replace('{x}', 13042).replace('{y}', 6782))).arrayBuffer())"
        ".byteLength)",
    ),
    Example(
        "style",
        "地图样式（MapLibre 直接使用这个地址）",
        "How the tiles look: MapLibre takes this address as its style",
        "curl http://127.0.0.1:8000/styles/dark.json",
        'print(city.style("dark")["name"])',
        "console.log((await (await fetch('http://127.0.0.1:8000/styles/dark.json')).json()).name)",
    ),
    Example(
        "values",
        "每个网格的面积，按瓦片中的编号",
        "The area of each grid, by the ids of the tiles",
        "curl 'http://127.0.0.1:8000/values/grid/area_m2?area=500103'",
        'print(city.values("grid", "area_m2", area="500103").values.sum())',
        "console.log((await (await fetch('http://127.0.0.1:8000/values/grid/area_m2?area=500103')).json())"
        ".values.length)",
    ),
)
