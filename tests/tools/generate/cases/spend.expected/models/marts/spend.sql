-- spend, from stg_orders.
-- spend 1.0.0 (spec 0123456789ab). Compiled by specmill: change the spec, not this file.

{{ config(
    materialized='table',
    schema='marts',
    tags=['spend']
) }}

with stg_orders as (

    select
        customer_id,
        amount
    from {{ ref('stg_orders') }}

),

-- One row per customer_id; ties by the remaining columns.
addresses as (

    select
        customer_id,
        country
    from {{ ref('stg_web__addresses') }}
    qualify row_number() over (partition by customer_id order by moved_at desc, country) = 1

),

-- One row per customer_id.
per_customer_id as (

    select
        stg_orders.customer_id,
        count(*) as orders,
        cast(sum(stg_orders.amount) as decimal(38, 9)) as spent
    from stg_orders
    group by stg_orders.customer_id
    having count(*) > 0 and sum(stg_orders.amount) > 0

)

select
    per_customer_id.customer_id,
    per_customer_id.orders,
    per_customer_id.spent,
    addresses.country,
    cast(per_customer_id.spent / per_customer_id.orders as decimal(38, 9)) as average
from per_customer_id
left join addresses on per_customer_id.customer_id = addresses.customer_id
