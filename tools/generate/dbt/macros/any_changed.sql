{#
  Whether a tracked column differs from the row before. A column counts only where both rows know
  it: one that was added later does not make a new version of every row.
#}
{% macro any_changed(columns, window) -%}
    (
        {%- for column in columns %}
        (
            {{ column }} is distinct from lag({{ column }}) over {{ window }}
            and position('|{{ column | replace('"', '') }}|' in _known_columns) > 0
            and position('|{{ column | replace('"', '') }}|' in lag(_known_columns) over {{ window }}) > 0
        )
        {%- if not loop.last %} or {% endif -%}
        {%- endfor %}
    )
{%- endmacro %}
