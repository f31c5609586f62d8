select id, {{ nothing_like(it }} from {{ source('raw','t') }}
