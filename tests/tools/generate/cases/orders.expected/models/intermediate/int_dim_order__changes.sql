-- Every change of shop.order that was ever seen, each once; rows are only added.
-- orders 2.1.0 (spec 0123456789ab). Compiled by specmill: change the spec, not this file.

{{ config(
    materialized='incremental',
    schema='intermediate',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    tags=['orders']
) }}

-- shop.order as it is now.
with extracted as (

    select
        order_id,
        lower("group") as "group",
        cast(coalesce(total, 0) as decimal(12, 2)) as total,
        email,
        updated_at as _effective_at,
        version_no as _sequence_1
    from {{ ref('stg_shop__order') }}

),

changes as (

    select
        order_id,
        "group",
        total,
        email,
        _effective_at,
        _sequence_1,
        'U' as _operation,
        {{ hash_of(['order_id', '"group"', 'total', 'email']) }} as _row_digest
    from extracted

),

{% if is_incremental() %}

-- What the log knew of each key before this load.
last_known as (

    select
        order_id,
        _effective_at,
        _operation
    from {{ this }}
    qualify row_number() over (
        partition by order_id
        order by _effective_at desc, _change_id desc
    ) = 1

),

-- A row that had disappeared and is back takes effect now as well, however old it is.
with_returned as (

    select
        order_id,
        "group",
        total,
        email,
        _effective_at,
        _sequence_1,
        _operation,
        _row_digest
    from changes
    union all
    select
        changes.order_id,
        changes."group",
        changes.total,
        changes.email,
        {{ batch_at() }} as _effective_at,
        changes._sequence_1,
        changes._operation,
        changes._row_digest
    from changes
    inner join last_known
        on changes.order_id = last_known.order_id
    where last_known._operation = 'D'

),

-- Keys that the log believes alive and the extract lacks.
missing as (

    select
        last_known.order_id,
        last_known._effective_at
    from last_known
    left join extracted
        on last_known.order_id = extracted.order_id
    where extracted.order_id is null
        and last_known._operation = 'U'

),

-- Believed only while at most 10% disappear at once, never from an empty extract.
with_disappeared as (

    select
        order_id,
        "group",
        total,
        email,
        _effective_at,
        _sequence_1,
        _operation,
        _row_digest
    from with_returned
    union all
    select
        order_id,
        null as "group",
        null as total,
        null as email,
        {{ batch_at() }} as _effective_at,
        null as _sequence_1,
        'D' as _operation,
        {{ hash_of(['order_id']) }} as _row_digest
    from missing
    where _effective_at < {{ batch_at() }}
        and (select count(*) from missing) <= 0.1 * (
            select count(*) from last_known where _operation = 'U'
        )

),

{% endif %}

identified as (

    select
        order_id,
        "group",
        total,
        email,
        _effective_at,
        _sequence_1,
        _operation,
        _row_digest,
        {{ hash_of(['order_id', '_effective_at', '_sequence_1', '_operation', '_row_digest']) }} as _change_id
    from {% if is_incremental() %}with_disappeared{% else %}changes{% endif %}

)

select distinct
    order_id,
    "group",
    total,
    email,
    _effective_at,
    _sequence_1,
    _operation,
    '|order_id|group|total|email|' as _known_columns,
    _row_digest,
    _change_id,
    {{ batch_at() }} as _recorded_at
from identified
{% if is_incremental() %}
where _change_id not in (select _change_id from {{ this }})
{% endif %}
