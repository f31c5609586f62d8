-- event_last, from web.events.
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
qualify row_number() over (partition by event_id order by kind, "at") = 1
