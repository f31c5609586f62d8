{{ config(materialized='table') }}
select o.order_id, o.customer_id, c.name as customer_name, n.name as country_name, o.amount,
  case when o.amount >= 100 then 'large' when o.amount > 0 then 'small' else 'none' end as size
from {{ ref('stg_orders') }} o
left join {{ ref('stg_customers') }} c on o.customer_id = c.customer_id
left join {{ ref('countries') }} n on c.country = n.code
where o.status <> 'cancelled'
