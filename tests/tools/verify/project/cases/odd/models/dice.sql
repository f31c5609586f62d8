select id, random() as r, now() as t from {{ source('raw','t') }}
