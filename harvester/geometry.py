"""Reads the places portals draw: GeoJSON, WKT and boxes in, sound GeoJSON (RFC 7946) out; pure.

Sound: longitudes within ±180, latitudes within ±90, rings closed, outer ones counterclockwise and inner ones
clockwise, and what crosses the 180th meridian cut in two along it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

Geometry: TypeAlias = dict[str, Any]
Position: TypeAlias = tuple[float, float]

WHOLE_TURN = 360
_NUMBER = (int, float)

_NUMBERS = re.compile(r"[-+.\deE,;\s]{3,200}")
_WKT = re.compile(
    r"(?:SRID=\d+;)?\s*(POINT|LINESTRING|POLYGON|MULTIPOINT|MULTILINESTRING|MULTIPOLYGON|ENVELOPE)"
    r"\s*(?:Z|M|ZM)?\s*(\(.*)",
    re.IGNORECASE | re.DOTALL,
)
_WKT_POSITION = re.compile(r"[-+.\deE]+(?:\s+[-+.\deE]+)+")
_DEPTHS: Mapping[str, int] = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}
"""Lists around a position, by type."""
_TYPES: Mapping[str, str] = {name.casefold(): name for name in _DEPTHS}


class NoGeometry(ValueError):
    """It looks like a geometry and is none: too few positions, or some that are nowhere on Earth."""


def geometry(said: object) -> Geometry | None:
    """The GeoJSON geometry an object or a text stands for; None when it is no attempt at one (a name, say).

    Numbers alone are ``longitude,latitude`` or ``west,south,east,north``. What was given is left as it is.
    Raises NoGeometry.
    """
    if isinstance(said, str):
        return _from_text(said.strip())
    if isinstance(said, dict) and "type" in said:
        return _from_geojson(said)
    return None


def box(west: float, south: float, east: float, north: float) -> Geometry:
    """The area between four edges: a point or line where they coincide, two where west lies beyond east."""
    if south > north:
        raise NoGeometry(f"its south {south} lies north of its north {north}")
    if (west, south) == (east, north):
        return {"type": "Point", "coordinates": _position((west, south))}
    if west == east or south == north:
        return {"type": "LineString", "coordinates": [_position((west, south)), _position((east, north))]}
    east = east + WHOLE_TURN if east < west else east
    return _polygons([[[(west, south), (east, south), (east, north), (west, north), (west, south)]]])


def _from_text(text: str) -> Geometry | None:
    if text.startswith("{"):
        try:
            return geometry(msgspec.json.decode(text))
        except (msgspec.DecodeError, RecursionError) as error:
            raise NoGeometry(str(error)) from error
    if _NUMBERS.fullmatch(text):
        return _from_numbers(text)
    match = _WKT.fullmatch(text)
    if match is None:
        return None
    name, body = match[1].casefold(), match[2]
    if name == "envelope":
        try:
            west, east, north, south = (float(number) for number in body.strip("() ").split(","))
        except ValueError as error:
            raise NoGeometry("an envelope is four numbers") from error
        return box(west, south, east, north)
    return _from_geojson({"type": _TYPES[name], "coordinates": _wkt_coordinates(_TYPES[name], body)})


def _from_numbers(text: str) -> Geometry | None:
    try:
        numbers = [float(number) for number in re.split(r"[,;\s]+", text)]
    except ValueError:
        return None
    if len(numbers) == 2:
        return {"type": "Point", "coordinates": _position(numbers)}
    return box(*numbers) if len(numbers) == 4 else None


def _wkt_coordinates(name: str, body: str) -> Any:
    listed = _WKT_POSITION.sub(lambda position: "[" + ",".join(position[0].split()) + "]", body)
    try:
        coordinates = msgspec.json.decode(listed.replace("(", "[").replace(")", "]"))
    except msgspec.DecodeError as error:
        raise NoGeometry("malformed WKT") from error
    if name == "Point":
        return coordinates[0]
    if name == "MultiPoint":
        # Its points stand both with and without brackets of their own.
        return [each[0] if isinstance(each[0], list) else each for each in coordinates]
    return coordinates


def _from_geojson(said: Mapping[str, Any]) -> Geometry | None:
    kind = said.get("type")
    if kind == "Feature":
        return geometry(said.get("geometry"))
    if kind in ("GeometryCollection", "FeatureCollection"):
        members = said.get("geometries" if kind == "GeometryCollection" else "features")
        found = [geometry(member) for member in members] if isinstance(members, list) else []
        if not found or None in found:
            raise NoGeometry(f"a {kind} without geometries")
        return found[0] if len(found) == 1 else {"type": "GeometryCollection", "geometries": found}
    name = kind.casefold() if isinstance(kind, str) else ""
    try:
        if name == "envelope":
            (west, north), (east, south) = said["coordinates"]
            return box(west, south, east, north)
        if name not in _TYPES:
            return None
        return _sound(_TYPES[name], said["coordinates"])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise NoGeometry(str(error)) from error


def _sound(name: str, coordinates: Any) -> Geometry:
    if name in ("Polygon", "MultiPolygon"):
        return _polygons([coordinates] if name == "Polygon" else coordinates)
    return {"type": name, "coordinates": _positions(coordinates, _DEPTHS[name])}


def _positions(coordinates: Any, depth: int) -> Any:
    if depth == 0:
        return _position(coordinates)
    return [_positions(each, depth - 1) for each in coordinates]


def _position(position: Sequence[float]) -> list[float]:
    """Longitude and latitude alone, the longitude brought within ±180."""
    longitude, latitude = position[0], position[1]
    if not (type(longitude) in _NUMBER and type(latitude) in _NUMBER and abs(latitude) <= 90):
        raise NoGeometry(f"{longitude!r}, {latitude!r} is no position")
    if not abs(longitude) <= WHOLE_TURN:
        raise NoGeometry(f"{longitude!r} is no longitude")
    if abs(longitude) <= 180:
        return [longitude, latitude]
    return [longitude - math.copysign(WHOLE_TURN, longitude), latitude]


def _polygons(polygons: Iterable[Sequence[Sequence[Sequence[float]]]]) -> Geometry:
    """One polygon or several from rings whose longitudes may run past ±180 (but not jump across)."""
    parts = [part for rings in polygons for part in _cut([_closed(ring) for ring in rings])]
    if not parts:
        raise NoGeometry("no area")
    if len(parts) == 1:
        return {"type": "Polygon", "coordinates": parts[0]}
    return {"type": "MultiPolygon", "coordinates": parts}


def _closed(ring: Sequence[Sequence[float]]) -> list[Position]:
    for position in ring:
        _position(position)
    positions = [(position[0], position[1]) for position in ring]
    if positions[0] != positions[-1]:
        positions.append(positions[0])
    if len(positions) < 4:
        raise NoGeometry(f"a ring of {len(positions)} positions")
    return positions


def _cut(rings: Sequence[list[Position]]) -> list[list[list[list[float]]]]:
    """A polygon in the parts that lie within one turn of the globe each, every part brought within ±180."""
    longitudes = [longitude for ring in rings for longitude, _ in ring]
    first = math.floor((min(longitudes) + 180) / WHOLE_TURN)
    end = math.ceil((max(longitudes) + 180) / WHOLE_TURN)
    parts = []
    for middle in (turn * WHOLE_TURN for turn in range(first, end)):
        clipped = [_east_of(_west_of(ring, middle + 180), middle - 180) for ring in rings]
        # A ring that only touches the meridian leaves a line, which is no part.
        kept = [ring for ring in clipped if len(ring) >= 4 and _area(ring) != 0]
        if kept and clipped[0] is kept[0]:
            parts.append([_wound(ring, middle, outer=place == 0) for place, ring in enumerate(kept)])
    return parts


def _wound(ring: Sequence[Position], middle: float, *, outer: bool) -> list[list[float]]:
    shifted = [[longitude - middle, latitude] for longitude, latitude in ring]
    return shifted if (_area(ring) > 0) == outer else shifted[::-1]


def _area(ring: Sequence[Position]) -> float:
    """Twice the area within a closed ring, in square degrees; negative when it runs clockwise."""
    return sum(x * y2 - x2 * y for (x, y), (x2, y2) in zip(ring, ring[1:]))


def _east_of(ring: Sequence[Position], meridian: float) -> list[Position]:
    mirrored = _west_of([(-longitude, latitude) for longitude, latitude in ring], -meridian)
    return [(-longitude, latitude) for longitude, latitude in mirrored]


def _west_of(ring: Sequence[Position], meridian: float) -> list[Position]:
    """What of a closed ring lies at or west of a meridian, closed along it."""
    if all(longitude <= meridian for longitude, _ in ring):
        return list(ring)
    kept: list[Position] = []
    for (x, y), (x2, y2) in zip(ring, ring[1:]):
        if x <= meridian:
            kept.append((x, y))
        if (x < meridian < x2) or (x2 < meridian < x):
            kept.append((meridian, y + (y2 - y) * (meridian - x) / (x2 - x)))
    return kept + kept[:1]
