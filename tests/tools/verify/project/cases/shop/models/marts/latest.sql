select * from (select customer_id, order_id, amount, row_number() over (partition by customer_id order by ordered_at desc) as rn from {{ ref('stg_orders') }}) where rn = 1
