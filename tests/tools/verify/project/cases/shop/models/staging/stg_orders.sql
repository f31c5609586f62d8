select order_id, customer_id, lower(status) as status, {{ dollars('amount_cents') }} as amount, ordered_at
from {{ source('raw', 'orders') }}
where order_id is not null
