{#
  A digest of several columns. Each value carries its length, and NULL a mark of its own, so NULL
  and '' differ, and so do ('a', 'bc') and ('ab', 'c').
#}
{% macro hash_of(columns) -%}
    md5(
        {%- for column in columns %}
        coalesce(
            cast(length(cast({{ column }} as varchar)) as varchar) || ':' || cast({{ column }} as varchar),
            '-'
        )
        {%- if not loop.last %} || {% endif -%}
        {%- endfor %}
    )
{%- endmacro %}
