"""The codes of lint, each with what it says. Codes are stable: one is never used anew."""

from __future__ import annotations

from typing import Final

CODES: Final[dict[str, str]] = {
    "SPEC-ASK": "an open question of the spec, with the assumption that is built on",
    # Expressions
    "SPEC001": "the dialect is not known",
    "SPEC002": "an expression does not parse, or is not one value: statements, subqueries, aliases",
    "SPEC003": "a type is none of the dialect",
    "SPEC004": "an aggregate function where a value of one row is expected",
    "SPEC005": "a window function outside the columns",
    "SPEC006": "a function whose result is another one tomorrow",
    # Names in expressions
    "SPEC010": "a column that does not exist",
    "SPEC011": "a bare column that several joined tables have",
    "SPEC012": "an alias that does not exist, or not yet",
    # What a model reads and makes
    "SPEC013": "a table or model that nobody declares",
    "SPEC014": "a model reads from a layer above its own",
    "SPEC015": "a source table that is read declares no primary key",
    "SPEC016": "two columns, sources or source tables of one name",
    "SPEC017": "the columns of a table are not known",
    # Joins
    "SPEC020": "a cross join",
    "SPEC021": "a join without on, or on a condition that does not link the two sides",
    "SPEC022": "an alias that is used twice",
    "SPEC023": "a join without cardinality",
    "SPEC024": "a join that multiplies the rows of the grain",
    "SPEC025": "a measure that counts rows again for each row of a joined table",
    "SPEC026": "one row a key is claimed of a joined table, and the condition leaves out its key",
    "SPEC027": "one row a key is claimed of a joined table that declares no key",
    "SPEC028": "a join to a history without a moment",
    "SPEC029": "a filter of a join without filter_at, or filter_at without a filter",
    "SPEC030": "a condition that turns an outer join into an inner one",
    "SPEC031": "parts of a join that contradict each other",
    "SPEC032": "a right or full join adds rows that have no key",
    # Grouping
    "SPEC040": "aggregations without group_by",
    "SPEC041": "an aggregation that does not aggregate, or uses a column that is not grouped",
    "SPEC042": "a grain that is not what the rows are grouped by",
    "SPEC043": "having, or a join after the grouping, without grouping",
    # Models
    "SPEC045": "a mart without grain",
    "SPEC046": "a grain, partition or cluster column that the model does not have",
    "SPEC047": "a view that is to keep rows from one load to the next",
    "SPEC048": "the path of custom code leaves the workspace",
    # Loads
    "SPEC050": "a load strategy without its key or cursor",
    "SPEC051": "a load names a column that does not exist",
    "SPEC052": "a column of the history has the name of another one",
    "SPEC053": "track holds the key or the moment of the change",
    "SPEC054": "the key of the load is not the grain",
    "SPEC055": "changes of one moment are put in an order that the data does not give",
    "SPEC056": "a setting that the load strategy does not use",
    # Sources
    "SPEC060": "deletes that the extract cannot show",
    "SPEC061": "a source table names a column that it does not have",
    "SPEC062": "an incremental extract without cursor, or a change feed without operation",
    # Tests and examples
    "SPEC065": "accepted_values without values",
    "SPEC066": "a test that does not exist",
    "SPEC067": "relationships to a model or column that does not exist",
    "SPEC068": "an expression gives a value that its accepted_values refuse",
    "SPEC070": "an example speaks of a table that the model does not read",
    "SPEC071": "an example speaks of a column that does not exist",
    # Across models and specs (tools.spec.graph)
    "SPEC080": "models that form a cycle",
    "SPEC081": "pipelines that form a cycle",
    "SPEC082": "a table that is made twice",
    "SPEC083": "a source that two specs declare differently",
    "SPEC084": "a name that generated code needs for itself",
    "SPEC085": "a pipeline that nobody describes",
    "SPEC086": "two specs of one pipeline",
    "SPEC087": "two source tables that land in one table",
    # What surrounds the models
    "SPEC090": "a check, consumer, metric or term names something that does not exist",
    "SPEC091": "a schedule that is no cron expression",
    "SPEC092": "a timezone that does not exist",
    "SPEC093": "freshness without a column or an age to judge by",
    "SPEC094": "a metric lacks what its type needs",
    "SPEC095": "two checks, measures or consumers of one name",
}
