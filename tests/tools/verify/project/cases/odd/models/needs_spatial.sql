select id, st_point(x, y) as p from {{ source('raw','t') }}
