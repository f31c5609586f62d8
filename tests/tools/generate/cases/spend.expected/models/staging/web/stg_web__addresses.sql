-- web.addresses as it was extracted.
-- Source table web.addresses (declaration c35d4031735f). Compiled by specmill.

{{ config(
    materialized='view',
    schema='staging'
) }}

select
    customer_id,
    country,
    moved_at
from {{ source('web', 'addresses') }}
