-- web.events as it was extracted.
-- Source table web.events (declaration bd65bab19399). Compiled by specmill.

{{ config(
    materialized='view',
    schema='staging'
) }}

select
    event_id,
    kind,
    "at"
from {{ source('web', 'events') }}
