{# Models land in the schema of their layer, as it is named, whatever the target's own schema is. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
