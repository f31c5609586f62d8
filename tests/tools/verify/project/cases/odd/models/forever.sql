with recursive r(k) as (select 1 union all select k + 1 from r) select max(r.k) as n, count(t.id) as ids from r, {{ source('raw','t') }} t
