-- One row per order, as it is now.
-- Source table shop.order (declaration 4d10a4cacc19). Compiled by specmill.

{{ config(
    materialized='view',
    schema='staging'
) }}

select
    order_id,
    "group",
    total,
    email,
    updated_at,
    version_no
from {{ source('shop', 'order') }}
