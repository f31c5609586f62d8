{{ config(materialized='incremental', unique_key='day') }}
select cast(ordered_at as date) as day, count(*) as orders, sum(amount) as amount
from {{ ref('stg_orders') }}
{% if is_incremental() %}
where cast(ordered_at as date) >= (select max(day) from {{ this }})
{% endif %}
group by 1
