-- stg_orders, from web.orders.
-- spend 1.0.0 (spec 0123456789ab). Compiled by specmill: change the spec, not this file.

{{ config(
    materialized='view',
    schema='staging',
    tags=['spend']
) }}

with orders as (

    select
        order_id,
        customer_id,
        amount
    from {{ source('web', 'orders') }}

),

-- One row per order_id, so that the join keeps the grain.
items as (

    select
        order_id,
        cast(sum(quantity) as bigint) as pieces
    from {{ source('web', 'items') }}
    group by order_id

),

-- One row per customer_id; ties by the remaining columns.
home as (

    select
        customer_id,
        country
    from {{ source('web', 'addresses') }}
    where country is not null
    qualify row_number() over (partition by customer_id order by moved_at desc, country) = 1

)

select
    orders.order_id,
    orders.customer_id,
    cast(orders.amount * 1.2 as decimal(38, 9)) as amount,
    items.pieces,
    home.country
from orders
left join items on orders.order_id = items.order_id
left join home on orders.customer_id = home.customer_id
where orders.amount > 0
