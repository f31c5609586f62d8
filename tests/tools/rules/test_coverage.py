import json

from tools.rules.coverage import coverage
from tools.rules.load import parse_constitution

TEXT = """## A1 Checked {#A1}

```rule
id: A1.R1
level: MUST
on: sql
check: no_select_star
```

```pass
select a from {{ ref('b') }}
```

```fail
select * from {{ ref('b') }}
```

```fail
select b.* from {{ ref('b') }} as b
```

```rule
id: A1.R2
level: SHOULD
on: spec
expr: spec.owner != null
message: no owner
```

## A2 Prose {#A2}

Words.
"""
WAIVERS = "- {rule: A1.R1, path: a, reason: r, owner: o, expires: 2026-01-31}\n"


def test_coverage() -> None:
    found = coverage(parse_constitution({"c/a.md": TEXT, "c/waivers.yaml": WAIVERS}))
    assert found.rows() == (
        ("A1 Checked", "A1.R1", "MUST", "sql", "check no_select_star", "1 pass, 2 fail"),
        ("A1 Checked", "A1.R2", "SHOULD", "spec", "CEL expression", "0 pass, 0 fail"),
        ("A2 Prose", "", "", "", "not machine-checked", ""),
    )
    assert (found.machine_checked, found.prose_only, len(found.rules)) == (1, 1, 2)
    data = json.loads(json.dumps(found.to_json()))
    assert (data["rules"], data["examples"], data["prose_only"]) == (2, 3, 1)
    assert data["articles"][0]["rules"][0]["waivers"] == 1
    assert data["articles"][1] == {
        "id": "A2",
        "title": "Prose",
        "path": "c/a.md",
        "line": 30,
        "machine_checked": False,
        "rules": [],
    }
