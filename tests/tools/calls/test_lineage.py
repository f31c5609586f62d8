"""Lineage is told from the text of the models."""

from __future__ import annotations

from typing import Any


def fill(office: Any) -> None:
    office.put("dbt_project.yml", "name: x\n")
    office.put(
        "models/stg.sql", "select id, upper(name) as name from {{ source('crm', 'person') }}"
    )
    office.put(
        "models/dim.sql",
        "with s as (select * from {{ ref('stg') }})\n"
        "select s.id, 1 as one, s.name || x.tag as label\n"
        "from s join {{ ref('tags') }} x on x.id = s.id",
    )
    office.put("models/fct.sql", "select d.id from {{ ref('dim') }} d")
    office.put(
        "models/top.sql", "select id from {{ ref('fct') }} union select id from {{ ref('dim') }}"
    )
    office.put("seeds/tags.csv", "id,tag\n")


def test_all_that_is_read_and_that_reads(office: Any) -> None:
    fill(office)
    assert office.call("lineage", model="dim").splitlines() == [
        "dim  (models/dim.sql)",
        "reads:",
        "  stg",
        "    crm.person",
        "  tags",
        "is read by:",
        "  fct",
        "    top",
        "  top",
        "columns:",
        "  id <- stg.*",
        "  one <- no column",
        "  label <- stg.*, tags.tag",
    ]
    assert "crm.person.name" in office.call("lineage", model="stg")


def test_models_that_read_each_other_end(office: Any) -> None:
    fill(office)
    office.put("models/stg.sql", "select id from {{ ref('top') }}")
    assert "(see above)" in office.call("lineage", model="stg")


def test_a_model_that_is_not_there_or_no_query(office: Any) -> None:
    fill(office)
    assert "did you mean 'dim'?" in office.error("lineage", model="dims")
    office.put("models/fct.sql", "selec d.id from")
    assert "[the query" in office.call("lineage", model="fct")
