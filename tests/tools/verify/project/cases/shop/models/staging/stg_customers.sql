{{ config(materialized='ephemeral') }}
select cast(customer_id as integer) as customer_id, upper(country) as country, trim(name) as name
from {{ source('raw', 'customers') }}
