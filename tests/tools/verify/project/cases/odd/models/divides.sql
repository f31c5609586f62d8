select id, 10 / amount as share, cast(code as integer) as code from {{ source('raw','t') }}
