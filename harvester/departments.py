"""A publisher's name to the public body it names: region, national function, institution type; pure.

A name is cut from its start into words that ``schemas`` knows: places, levels (省, 市, 区), functions, and the words
every body's name is made of (管理, 服务, 局, 中心). A function is believed only when nothing is left over, so a name
nobody thought of is left to a person instead of being guessed. Method and figures: ``docs/departments.md``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from itertools import takewhile
from types import MappingProxyType
from typing import NamedTuple
from unicodedata import normalize

from msgspec import Struct, structs

import schemas
from harvester import regions
from portal.catalog.decisions import Decision

LOCAL_GOVERNMENT = "local-government"
AREA_ADMINISTRATION = "area-administration"


class Department(Struct, frozen=True, kw_only=True):
    """Who a publisher's name says it is; None where the name does not say it for sure."""

    region: str | None = None
    """A code of ``regions``: the narrowest place the name names."""
    region_former: str | None = None
    """A code of ``former_regions``, where the name names that place as it was called before."""
    functions: tuple[str, ...] = ()
    """Codes of ``department_functions``, the main one first."""
    institution_type: str | None = None
    """A code of ``institution_types``."""
    id: str | None = None
    """Region and main function, of the authority itself: the same before and after it was renamed or merged."""
    former: str | None = None
    """The word of a name that a reform ended: the department of today is another (工商 is now 市场监管)."""
    decision: int | None = None
    """The number of the decision by which a person said it; None when the name was read."""


class _Word(NamedTuple):
    kind: str
    text: str
    function: str | None = None
    code: str | None = None
    former: str | None = None


_SPACES = re.compile(r"[\s_]+")
_BRACKETED = re.compile(r"^[【\[]([^】\]]+)[】\]](.+)$")
_LABELLED = re.compile(r"^([^-—]+)[-—](.+)$")
_ASIDE = re.compile(r"[(（]([^()（）]*)[)）]*")
_TOWNSHIP = re.compile(r"[\u4e00-\u9fff]{1,5}(?:街道|镇|乡)(?:办事处|办|人民政府|政府|党工委)?|[\u4e00-\u9fff]{1,4}办事处")
_AREA = re.compile(r"[区园城](?:管理委员会|管委会)(?:办公室)?$")
_ZONE_NAMES = "开发区|经开区|高新区|新区|园区|保税区|度假区|名胜区|港务区|集聚区|示范区|自贸区|自由贸易区"
_IS_ZONE = re.compile(rf"(?:{_ZONE_NAMES})$")
_ZONE = re.compile(rf"(?:管理委员会|管委会)(?:办公室)?$|{_IS_ZONE.pattern}")
_IN_ZONE = re.compile(rf"[\u4e00-\u9fff]{{0,8}}?(?:{_ZONE_NAMES})(?:管理委员会|管委会)?(?=.)")
_TERRITORIAL = frozenset((LOCAL_GOVERNMENT, AREA_ADMINISTRATION))
_BEFORE = frozenset(("region", "level", "prefix"))
_PARTY = frozenset(("中国共产党", "中共", "党工委", "党", "委"))
_COMPANIES = frozenset(("soe", "enterprise"))
"""What a company of a city does (投资, 旅游, 建设) says nothing of an authority's function; a utility's trade does."""
_GOVERNMENT = frozenset(("人民政府", "政府"))
_BRANCHES = frozenset(("分局", "分中心", "分会", "分行", "支行", "中支", "中心支行", "派出所", "监管分局"))
_OF_A_BODY = frozenset((
    "university", "library", "archive", "museum", "hospital", "research_institute", "public_institution",
))
"""Types a body's last word tells even when its function is an authority's: 气象局 is one, 气象中心 is not."""
_AT_THE_HEAD = frozenset(("government-office", "party-office", "party-reform", "party-school"))
"""Functions whose words (委办, 府办) mean something else after another word: 国资委办公室 is no party office."""


@lru_cache(maxsize=100_000)
def resolve(name: str, within: str | None) -> Department | None:
    """The public body a publisher's name names; None when it says nothing we are sure of.

    ``within`` is the region of the source that says it (see ``regions.named``). Of a name for several bodies
    (「A（B）」, 「A、B」) the first decides the type; functions of the others follow its own. Outside the mainland
    nothing is resolved: its functions are not theirs.
    """
    if within is not None and (within[:2] in regions.ELSEWHERE or not schemas.is_chinese(within)):
        return None
    place, bodies = _bodies(_SPACES.sub("", normalize("NFKC", name)), within)
    if not bodies:
        return None
    first, *others = [_body(body, within if place is None else place.code, place) for body in bodies]
    if first.region is not None and first.region[:2] in regions.ELSEWHERE:
        return Department(region=first.region)
    further = [function for other in others for function in other.functions if function not in _TERRITORIAL]
    functions = tuple(dict.fromkeys((*first.functions, *further))) if first.functions else ()
    found = Department(
        region=first.region, functions=functions, institution_type=first.institution_type,
        id=first.id, former=first.former, region_former=first.region_former,
    )
    return None if found == Department() else found


def ruled(decision: Decision) -> Department:
    """The public body a person decided that a name means; it says nothing where the person left something open."""
    ruling = decision.ruling
    return Department(
        region=ruling.region,
        functions=ruling.functions,
        institution_type=ruling.institution_type,
        id=None if ruling.region is None else f"{ruling.region}.{ruling.functions[0]}",
        decision=decision.number,
    )


def _bodies(name: str, within: str | None) -> tuple[regions.Mention | None, list[str]]:
    """The place a name is labelled with (【台州市】…, 衢州市-…), and the names of the bodies, the first first."""
    place = None
    label = _BRACKETED.match(name) or _LABELLED.match(name)
    if label is not None:
        mention = regions.named(label[1], within)
        if mention is not None and mention.length == len(label[1]):
            place, name = mention, label[2]
    asides = [inner for aside in _ASIDE.findall(name) for inner in aside.split("、")]
    mains = _ASIDE.sub("", name).strip("()（）").split("、")
    return place, [body for body in (*mains, *asides) if body]


def _body(name: str, within: str | None, place: regions.Mention | None) -> Department:
    words, rest, is_of_zone = _read_through(name, within)
    narrowest = next((word for word in reversed(words) if word.code is not None), place)
    region, region_former = (None, None) if narrowest is None else (narrowest.code, narrowest.former)
    is_bare = not rest and all(word.kind in ("region", "level") or word.text in _GOVERNMENT for word in words)
    if is_bare:
        return structs.replace(_government(words, region, within), region_former=region_former)
    functions, former = ((), None) if rest else _functions(words)
    if not functions or _AREA.search(name) or _IS_ZONE.search(name):
        functions = _territorial(name, words)
    institution = _institution(name, words, functions)
    if institution in _COMPANIES or name.endswith("学校"):
        functions = ()
    itself = bool(functions) and institution == _default(functions[0]) and functions[0] not in _TERRITORIAL
    owner = _owner(words, None if place is None else place.code, within) if itself and not is_of_zone else None
    return Department(
        region=region,
        region_former=region_former,
        functions=functions,
        institution_type=institution,
        id=f"{owner}.{functions[0]}" if owner is not None else None,
        former=former,
    )


def _government(words: tuple[_Word, ...], region: str | None, within: str | None) -> Department:
    """What a bare place is: its government (松潘县, 县人民政府), or what runs a zone."""
    levels = [word.text for word in words if word.kind == "level"]
    if region is None and within is not None and levels and _fits(within, levels):
        region = within
    if region is None:
        is_said = bool(levels) and any(word.text in _GOVERNMENT for word in words)
        return Department(functions=(LOCAL_GOVERNMENT,)) if is_said else Department()
    level = schemas.vocabulary("regions").terms[region].attributes["level"]
    return Department(
        region=region,
        functions=(AREA_ADMINISTRATION if level == "zone" else LOCAL_GOVERNMENT,),
        institution_type="district_government" if level in ("county", "zone") else "government_department",
    )


def _functions(words: tuple[_Word, ...]) -> tuple[tuple[str, ...], str | None]:
    """The functions the words name, and the first one's word when a reform ended it.

    Of a national body with a branch (国家统计局衢州调查队) the branch's own are meant.
    """
    last = max((number for number, word in enumerate(words) if word.kind == "region"), default=-1)
    meant = [word for word in words[last + 1:] if word.function] or [word for word in words if word.function]
    functions = tuple(dict.fromkeys(word.function for word in meant if word.function is not None))
    return functions, meant[0].text if meant and meant[0].kind == "former" else None


@cache
def _known() -> Mapping[str, _Word]:
    """Every word a name may be made of besides places; a function's before the others."""
    words: dict[str, _Word] = {}
    for kind in ("filler", "ending", "company", "prefix", "level"):
        words |= {text: _Word(kind, text) for text in schemas.publisher_words()[kind]}
    for term in schemas.vocabulary("department_functions").terms.values():
        for kind, column in (("function", "stems"), ("former", "former")):
            for text in term.attributes.get(column, "").split("|"):
                words[text] = _Word(kind, text, function=term.code)
    words.pop("", None)
    return MappingProxyType(words)


@cache
def _longest() -> int:
    return max(map(len, _known()))


def _read(name: str, within: str | None) -> tuple[tuple[_Word, ...], str]:
    """A name cut into words from its start, each the longest there is, and what is left where none begins."""
    words: list[_Word] = []
    start = 0
    while start < len(name):
        word = _word(name, start, bool(words) and all(word.kind in _BEFORE for word in words) or not words)
        mention = regions.named(name[start:], within)
        if mention is not None and mention.length > (len(word.text) if word else 0):
            if all(regions.is_in(mention.code, word.code) for word in words if word.code is not None):
                word = _Word(
                    "region", name[start:start + mention.length], code=mention.code, former=mention.former)
                if not regions.is_in(within, mention.code):
                    within = mention.code
        if word is None:
            return tuple(words), name[start:]
        words.append(word)
        start += len(word.text)
    return tuple(words), ""


def _read_through(name: str, within: str | None) -> tuple[tuple[_Word, ...], str, bool]:
    """The words of a name and what is left of it, and whether it is a department of a zone that no table has.

    Of 柳东新区科技局 the department is believed where all that follows the zone is understood.
    """
    words, rest = _read(name, within)
    zone = _IN_ZONE.match(rest)
    if zone is not None:
        inner, left = _read(rest[zone.end():], within)
        if not left and any(word.function is not None for word in inner):
            return (*words, *inner), "", True
    return words, rest, False


def _word(name: str, start: int, is_head: bool) -> _Word | None:
    for length in range(min(_longest(), len(name) - start), 0, -1):
        word = _known().get(name[start:start + length])
        if word is not None and (is_head or word.function not in _AT_THE_HEAD):
            return word
    return None


def _territorial(name: str, words: tuple[_Word, ...]) -> tuple[str, ...]:
    """The function of what governs a place no table names: a township, a street office, a zone."""
    start = sum(len(word.text) for word in takewhile(lambda word: word.kind in _BEFORE, words))
    if _TOWNSHIP.fullmatch(name[start:]):
        return (LOCAL_GOVERNMENT,)
    return (AREA_ADMINISTRATION,) if _ZONE.search(name) else ()


@cache
def _endings() -> Mapping[str, str]:
    """The words names end with, and the institution type each tells."""
    return MappingProxyType({
        ending: term.code
        for term in schemas.vocabulary("institution_types").terms.values()
        for ending in term.attributes.get("endings", "").split("|")
        if ending
    })


def _default(function: str) -> str | None:
    return schemas.vocabulary("department_functions").terms[function].attributes.get("institution")


def _institution(name: str, words: tuple[_Word, ...], functions: tuple[str, ...]) -> str | None:
    """The institution type: of a company by what it does, else by the name's last word, else by the function."""
    said = schemas.publisher_words()
    if name.endswith(tuple(said["company"] | said["utility"])) and not (functions and name.endswith("海关")):
        if any(word in name for word in said["utility"]):
            return "public_utility"
        is_local = bool(words) and words[0].kind == "level"
        return "soe" if is_local or any(word in name for word in said["state"]) else "enterprise"
    ending = next((name[start:] for start in range(len(name)) if name[start:] in _endings()), None)
    told = _endings()[ending] if ending is not None else None
    if functions:
        return told if told in _OF_A_BODY else _default(functions[0])
    if told is not None:
        return told
    if any(word.kind == "prefix" and word.text in _PARTY for word in words):
        return "party_organ"
    return "government_department" if name.endswith(("局", "厅")) else None


def _owner(words: tuple[_Word, ...], place: str | None, within: str | None) -> str | None:
    """The region whose authority this is; None for a part of one, one of several (第二中级人民法院), and where the
    name leaves the region open.

    「市统计局」 is of the source's city; 「区教育局」 said by a city is of some district of it. 「…局仙居分局」 is the
    authority in 仙居.
    """
    first = next((number for number, word in enumerate(words) if word.function is not None), 0)
    after = [word.code for word in words[first:] if word.kind == "region"]
    organs = [word.text for word in words[first:] if word.kind == "ending"]
    if any(word.text.startswith("第") for word in words):
        return None
    if after:
        return after[-1]
    if organs and (organs[-1] in _BRANCHES or len(organs) > 1 and organs[0] in ("局", "厅")):
        return None
    before = [word.code for word in words[:first] if word.kind == "region"]
    levels = [word.text for word in words[:first] if word.kind == "level"]
    owner = before[-1] if before else place if place is not None else within if levels else None
    if owner is None:
        return None
    return owner if _fits(owner, levels) else None


def _fits(region: str, levels: list[str]) -> bool:
    """Whether 省, 市, 区, 县 can be said of a region: its name ends so."""
    name = schemas.vocabulary("regions").terms[region].zh
    return all(name.endswith(level) for level in levels)
