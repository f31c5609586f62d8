select id, current_date - date_of_birth as age, coalesce(name,'x') as name from {{ source('raw','u') }}
