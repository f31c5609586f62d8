{# Tests of a history with half-open intervals [valid_from, valid_to). Each returns what breaks it. #}

{% test at_most_one_current(model, key, is_current) %}
select {{ key | join(', ') }}, count(*) as current_rows
from {{ model }}
where {{ is_current }}
group by {{ key | join(', ') }}
having count(*) > 1
{% endtest %}

{% test no_overlap(model, key, valid_from, valid_to) %}
with ordered as (

    select
        {{ key | join(', ') }},
        {{ valid_from }},
        {{ valid_to }},
        lead({{ valid_from }}) over (
            partition by {{ key | join(', ') }} order by {{ valid_from }}
        ) as next_valid_from
    from {{ model }}

)

select *
from ordered
where next_valid_from is not null
    and ({{ valid_to }} is null or {{ valid_to }} > next_valid_from)
{% endtest %}

{% test no_inversion(model, valid_from, valid_to) %}
select *
from {{ model }}
where {{ valid_from }} is null or {{ valid_to }} <= {{ valid_from }}
{% endtest %}

{% test no_orphan(model, change_log, key, valid_from) %}
select history.*
from {{ model }} as history
where not exists (
    select 1
    from {{ change_log }} as logged
    where {% for column in key %}logged.{{ column }} = history.{{ column }} and {% endfor -%}
        logged._effective_at = history.{{ valid_from }}
        and logged._operation = 'U'
)
{% endtest %}

{#
  Keys that the log believes alive and the extract lacks: their deletion was not believed, because
  more than the allowed share disappeared at once.
#}
{% test disappeared_within_limit(model, key, extract, extract_key) %}
with last_known as (

    select {{ key | join(', ') }}, _operation
    from {{ model }}
    qualify row_number() over (
        partition by {{ key | join(', ') }} order by _effective_at desc, _change_id desc
    ) = 1

)

select last_known.*
from last_known
where last_known._operation = 'U'
    and not exists (
        select 1
        from {{ extract }} as extracted
        where {% for column in key %}extracted.{{ extract_key[loop.index0] }} = last_known.{{ column }}
            {%- if not loop.last %} and {% endif %}{% endfor %}
    )
{% endtest %}
