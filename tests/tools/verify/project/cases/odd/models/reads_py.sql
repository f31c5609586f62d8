select name from {{ ref('py') }} where name <> ''
