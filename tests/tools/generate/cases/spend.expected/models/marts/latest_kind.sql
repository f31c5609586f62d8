-- latest_kind, from web.events.
-- spend 1.0.0 (spec 0123456789ab). Compiled by specmill: change the spec, not this file.

{{ config(
    materialized='table',
    schema='marts',
    tags=['spend']
) }}

with events as (

    select
        event_id,
        kind,
        "at"
    from {{ ref('stg_web__events') }}

)

select
    lower(events.kind) as kind,
    events."at"
from events
qualify row_number() over (
    partition by events.kind
    order by events."at" desc, events.event_id nulls first
) = 1
