"""The high-value list holds together: codes, ids, names of fields and the words titles are recognised by."""

from __future__ import annotations

import re
from collections import Counter

import schemas

ENTRIES = schemas.high_value_entries()
SIMPLIFIED = str.maketrans(dict(schemas.simplified()))


def folded(word: str) -> str:
    return schemas.fold(word).translate(SIMPLIFIED)


def test_there_is_a_list_with_the_ids_of_the_first_draft() -> None:
    first = {
        "COM-1", "COM-2", "COM-3", "COM-4", "TRA-1", "TRA-2", "TRA-3", "TRA-4", "MET-1", "MET-2", "ENV-1", "ENV-2", "ENV-3",
        "GEO-1", "GEO-2", "STA-1", "STA-2", "HEA-1", "HEA-2", "EDU-1", "FIN-1", "SAF-1", "ENE-1", "JUS-1", "CUL-1",
    }
    assert first < set(ENTRIES) and 50 <= len(ENTRIES) <= 60
    assert [id for id in ENTRIES if not re.fullmatch(r"[A-Z]{3}-[1-9][0-9]*", id)] == []


def test_every_entry_has_its_texts_in_both_tongues() -> None:
    for entry in ENTRIES.values():
        texts = (entry.zh, entry.about_zh, entry.en, entry.about_en, entry.norm_zh, entry.norm_en)
        assert all(text and text == text.strip() for text in texts), entry.id
        assert entry.about_zh.endswith("。") and entry.about_en.endswith("."), entry.id
        assert (entry.label("zh"), entry.label("en")) == (entry.zh, entry.en)
        assert (entry.about("zh"), entry.about("en")) == (entry.about_zh, entry.about_en)
    for locale in ("zh", "en"):
        assert max(Counter(entry.label(locale) for entry in ENTRIES.values()).values()) == 1


def test_every_code_of_an_entry_is_one_of_its_vocabulary() -> None:
    terms = {name: schemas.vocabulary(name).terms for name in (
        "hvd_categories", "themes", "department_functions", "frequencies", "regions"
    )}
    levels = {term.attributes["level"] for term in terms["regions"].values()}
    x12 = {field for term in terms["themes"].values() for field in term.attributes.get("x12", "").split("、") if field}
    for entry in ENTRIES.values():
        assert entry.category is None or entry.category in terms["hvd_categories"], entry.id
        assert entry.key_field is None or entry.key_field in schemas.KEY_FIELDS, entry.id
        assert entry.domain in terms["themes"] and entry.frequency in terms["frequencies"], entry.id
        assert "days" in terms["frequencies"][entry.frequency].attributes, entry.id
        assert entry.x12 is None or entry.x12 in x12, entry.id
        assert entry.functions and set(entry.functions) <= set(terms["department_functions"]), entry.id
        assert entry.levels and set(entry.levels) <= levels & {"national", "province", "prefecture", "county"}, entry.id


def test_an_eu_category_is_one_entrys_and_none_of_the_six_that_hold_the_others() -> None:
    """A dataset is matched by the category its portal states: a category of the first level would make it everything."""
    stated = [entry.category for entry in ENTRIES.values() if entry.category]
    assert len(stated) > 20 and len(set(stated)) == len(stated)
    categories = schemas.vocabulary("hvd_categories").terms
    assert [code for code in stated if categories[code].attributes["level"] == "1"] == []
    above = {categories[code].attributes.get("broader") for code in stated}
    assert above.isdisjoint(stated)


def test_every_entry_has_four_to_twelve_fields_and_needs_some() -> None:
    for entry in ENTRIES.values():
        assert 4 <= len(entry.fields) <= 12, entry.id
        assert 1 <= sum(field.required for field in entry.fields) <= 4, entry.id
        assert len({field.id for field in entry.fields}) == len(entry.fields), entry.id


def test_every_field_is_said_in_full() -> None:
    for entry in ENTRIES.values():
        for field in entry.fields:
            where = (entry.id, field.id)
            assert re.fullmatch(r"[a-z][a-z0-9_]*", field.id), where
            assert field.zh and field.en and field.type in schemas.FIELD_TYPES, where
            assert (field.label("zh"), field.label("en")) == (field.zh, field.en)
            assert not (field.required and field.sensitive), where
            assert field.unit is None or field.type in {"number", "integer"}, where
            assert field.code_list is None or field.type == "code", where


def test_no_name_leads_to_two_fields_of_an_entry() -> None:
    for entry in ENTRIES.values():
        owners: dict[str, set[str]] = {}
        for field in entry.fields:
            for name in (field.zh, field.en, *field.aliases):
                owners.setdefault(folded(name).replace(" ", ""), set()).add(field.id)
        assert {name: ids for name, ids in owners.items() if len(ids) > 1} == {}, entry.id


def test_every_entry_has_words_and_every_word_is_folded() -> None:
    rules = schemas.high_value_words()
    assert {rule.entry for rule in rules} == set(ENTRIES)
    words = [word for rule in rules for word in (*(word for group in rule.words for word in group), *rule.without)]
    assert [word for word in words if folded(word.removeprefix("=")) != word.removeprefix("=")] == []
    assert [word for word in words if len(word.removeprefix("=")) < 2] == []
    assert [rule for rule in rules if not all(rule.words)] == []


def test_no_rule_forbids_what_it_asks_for() -> None:
    for rule in schemas.high_value_words():
        for group in rule.words:
            asked = [word for word in group if not any(no in word for no in rule.without if no.isascii() == word.isascii())]
            assert asked, (rule.entry, group)
