{#
  The moment of a load: one for all that it records. The variable batch_at freezes it, which makes
  a replayed load give the same rows.
#}
{% macro batch_at() -%}
    cast('{{ var("batch_at", run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f")) }}' as timestamp)
{%- endmacro %}
