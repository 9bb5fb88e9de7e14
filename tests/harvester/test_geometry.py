"""What portals draw becomes sound GeoJSON, or is refused."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from harvester.geometry import NoGeometry, geometry


def polygon(*rings: list[list[float]]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


BOX = polygon([[1, 2], [3.5, 2], [3.5, 5.5], [1, 5.5], [1, 2]])


@pytest.mark.parametrize("said", [
    "1.0,2.0,3.5,5.5", " 1.0, 2.0, 3.5, 5.5 ", "1 2 3.5 5.5", "ENVELOPE(1, 3.5, 5.5, 2)",
    "POLYGON ((1 2, 3.5 2, 3.5 5.5, 1 5.5, 1 2))", "SRID=4326;Polygon((1 2,1 5.5,3.5 5.5,3.5 2))",
    {"type": "envelope", "coordinates": [[1, 5.5], [3.5, 2]]},
    json.dumps(BOX), {"type": "Feature", "geometry": BOX},
    {"type": "polygon", "coordinates": [[[1, 2, 9], [3.5, 2, 9], [3.5, 5.5, 9], [1, 5.5, 9], [1, 2, 9]]]},
])
def test_g9_every_way_to_write_a_box_is_the_same_polygon(said: object) -> None:
    assert geometry(said) == BOX


def test_g9_a_ring_wound_the_wrong_way_is_turned_and_the_input_left_alone() -> None:
    said = polygon([[1, 2], [1, 5.5], [3.5, 5.5], [3.5, 2], [1, 2]], [[2, 3], [3, 3], [3, 4], [2, 4], [2, 3]])
    before = copy.deepcopy(said)
    assert geometry(said) == polygon(
        [[1, 2], [3.5, 2], [3.5, 5.5], [1, 5.5], [1, 2]], [[2, 3], [2, 4], [3, 4], [3, 3], [2, 3]]
    )
    assert said == before


@pytest.mark.parametrize("said, point", [
    ("-92.109, 15.132, -92.109, 15.132", [-92.109, 15.132]),
    ("0,0,0,0", [0, 0]),
    ("-88.9718,36.52033", [-88.9718, 36.52033]),
    ("POINT (67 89)", [67, 89]),
    ('{"type": "Point", "coordinates": [-55.1, 37.2]}', [-55.1, 37.2]),
    ({"type": "Point", "coordinates": [190, 5]}, [-170, 5]),
])
def test_g9_equal_corners_and_positions_are_points(said: object, point: list[float]) -> None:
    assert geometry(said) == {"type": "Point", "coordinates": point}


def test_g9_a_flat_box_is_a_line() -> None:
    assert geometry("-90.09,27.155,-90.09,27.275") == {
        "type": "LineString", "coordinates": [[-90.09, 27.155], [-90.09, 27.275]],
    }


HALVES = {
    "type": "MultiPolygon",
    "coordinates": [
        [[[170, -10], [180, -10], [180, 10], [170, 10], [170, -10]]],
        [[[-180, -10], [-170, -10], [-170, 10], [-180, 10], [-180, -10]]],
    ],
}


@pytest.mark.parametrize("said", [
    "170,-10,-170,10",
    "170,-10,190,10",
    polygon([[170, -10], [190, -10], [190, 10], [170, 10], [170, -10]]),
    polygon([[-190, -10], [-170, -10], [-170, 10], [-190, 10], [-190, -10]]),
])
def test_g9_what_crosses_180_degrees_is_cut_in_two(said: object) -> None:
    assert geometry(said) == HALVES


def test_g9_a_hole_across_180_degrees_is_cut_with_its_polygon() -> None:
    outer = [[170, -10], [190, -10], [190, 10], [170, 10], [170, -10]]
    hole = [[175, -5], [175, 5], [185, 5], [185, -5], [175, -5]]
    cut = geometry(polygon(outer, hole))
    assert cut is not None
    assert [part[1] for part in cut["coordinates"]] == [
        [[175, -5], [175, 5], [180, 5], [180, -5], [175, -5]],
        [[-180, 5], [-175, 5], [-175, -5], [-180, -5], [-180, 5]],
    ]


def test_the_whole_world_stays_in_one_piece() -> None:
    world = polygon([[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]])
    assert geometry("-180,-90,180,90") == world
    assert geometry(world) == world


def test_multipoints_and_collections_are_read() -> None:
    points = {"type": "MultiPoint", "coordinates": [[1, 2], [3, 4]]}
    assert geometry("MULTIPOINT(1 2, 3 4)") == geometry("MULTIPOINT((1 2),(3 4))") == points
    assert geometry({"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": BOX}]}) == BOX
    assert geometry({"type": "GeometryCollection", "geometries": [BOX, points]}) == {
        "type": "GeometryCollection", "geometries": [BOX, points],
    }


@pytest.mark.parametrize("said", [
    "Florida", "北京市", "United States", "", "2015", "1,2,3", "1,2,3,4,5", "e,e", "POLYGON of the city",
    '[[{"WestBoundingCoordinate":-54.185}],"CARTESIAN"]', {"prefLabel": "Austria"}, 7, None,
    {"type": "dcterms:Location"},
])
def test_a_name_is_no_geometry(said: object) -> None:
    assert geometry(said) is None


@pytest.mark.parametrize("said", [
    "1,91,3,92", "-500.5,36,-89,40", "1,5,3,2", '{"type": "Point", "coordinates": ["NaN", 3]}', '{"type": "P',
    {"type": "Point", "coordinates": [float("nan"), 1]}, {"type": "Point", "coordinates": [float("inf"), 1]},
    {"type": "Polygon", "coordinates": []}, {"type": "Polygon", "coordinates": [[[1, 2], [3, 4]]]},
    {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [2, 2], [0, 0]]]}, {"type": "Point"},
    {"type": "Point", "coordinates": {"x": 1}}, {"type": "Point", "coordinates": 4}, "POLYGON ((1 2, 3))",
    {"type": "GeometryCollection", "geometries": []}, {"type": "Polygon", "coordinates": [[[True, 0]] * 4]},
    "ENVELOPE(1, 2)", "POINT(1 2",
    '{"a":' * 5000,
])
def test_a_broken_geometry_is_refused(said: object) -> None:
    with pytest.raises(NoGeometry):
        geometry(said)
