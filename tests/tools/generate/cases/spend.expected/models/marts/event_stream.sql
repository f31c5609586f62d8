-- event_stream, from web.events.
-- spend 1.0.0 (spec 0123456789ab). Compiled by specmill: change the spec, not this file.

{{ config(
    materialized='incremental',
    schema='marts',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    tags=['spend']
) }}

-- What web.events has now; only what lies beyond at is added.
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
where "at" > (select max("at") from {{ this }})
    or not exists (select 1 from {{ this }})
{% endif %}
