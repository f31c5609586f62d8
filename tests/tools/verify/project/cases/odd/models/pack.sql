select {{ dbt_utils.star(ref('clock')) }} from {{ ref('clock') }}
