-- event_now, from web.events.
-- spend 1.0.0 (spec 0123456789ab). Compiled by specmill: change the spec, not this file.

{{ config(
    materialized='incremental',
    schema='marts',
    incremental_strategy='delete+insert',
    unique_key=['event_id'],
    on_schema_change='append_new_columns',
    tags=['spend']
) }}

-- What web.events has now, merged by event_id.
with incoming as (

    select
        event_id,
        kind,
        "at"
    from {{ ref('stg_web__events') }}

)

select
    event_id,
    kind,
    "at"
from incoming
{% if is_incremental() %}
where (
    "at" >= (select max("at") - interval 3 day from {{ this }})
    or not exists (select 1 from {{ this }})
)
and not exists (
    select 1
    from {{ this }} as kept
    where kept."at" > incoming."at"
        and kept.event_id = incoming.event_id
)
{% endif %}
qualify row_number() over (
    partition by event_id
    order by "at" desc nulls last, kind
) = 1
