-- Every state of every order.
-- One row per version of order_id: valid_from <= moment < valid_to.
-- orders 2.1.0 (spec 0123456789ab). Compiled by specmill: change the spec, not this file.

{{ config(
    materialized='incremental',
    schema='marts',
    incremental_strategy='delete+insert',
    unique_key=['order_id'],
    on_schema_change='append_new_columns',
    post_hook="delete from {{ this }}
        where (order_id, _change_count) not in (
            select order_id, count(*)
            from {{ ref('int_dim_order__changes') }}
            group by order_id
        )",
    tags=['orders']
) }}

-- Keys whose log has grown since their history was built; no clock is involved.
with changed_keys as (

    select
        order_id,
        count(*) as _change_count
    from {{ ref('int_dim_order__changes') }}
    group by order_id
    {% if is_incremental() %}
    except
    select
        order_id,
        _change_count
    from {{ this }}
    {% endif %}

),

-- The last word on each key at each moment.
moments as (

    select
        logged.order_id,
        logged."group",
        logged.total,
        logged._effective_at,
        logged._operation,
        logged._known_columns,
        logged._change_id,
        changed_keys._change_count
    from {{ ref('int_dim_order__changes') }} as logged
    inner join changed_keys
        on logged.order_id = changed_keys.order_id
    qualify row_number() over (
        partition by logged.order_id, logged._effective_at
        order by
            logged._sequence_1 desc nulls last,
            length(logged._known_columns) desc,
            logged._change_id desc
    ) = 1

),

-- A version starts where a tracked column changes, or at a delete; no-ops start nothing.
compared as (

    select
        order_id,
        _effective_at,
        _operation,
        _change_id,
        _change_count,
        (
            lag(_operation) over in_order is distinct from _operation
            or {{ any_changed(['"group"', 'total'], 'in_order') }}
        ) as _starts
    from moments
    window in_order as (partition by order_id order by _effective_at)

),

numbered as (

    select
        order_id,
        _effective_at,
        _operation,
        _change_id,
        _change_count,
        count(*) filter (where _starts) over (
            partition by order_id order by _effective_at
        ) as _version
    from compared

),

-- One row per version: its first moment, its last change.
versions as (

    select
        order_id,
        min(_effective_at) over (partition by order_id, _version) as valid_from,
        _operation,
        _change_id,
        _change_count
    from numbered
    qualify row_number() over (
        partition by order_id, _version
        order by _effective_at desc
    ) = 1

),

-- A version ends where the next one, or a delete, begins.
intervals as (

    select
        order_id,
        valid_from,
        lead(valid_from) over (partition by order_id order by valid_from) as valid_to,
        _operation,
        _change_id,
        _change_count
    from versions

)

select
    {{ hash_of(['intervals.order_id', 'intervals.valid_from']) }} as dim_order_key,
    logged.order_id,
    logged."group",
    logged.total,
    logged.email,
    intervals.valid_from,
    intervals.valid_to,
    intervals.valid_to is null as is_current,
    intervals._change_count
from intervals
inner join {{ ref('int_dim_order__changes') }} as logged
    on intervals._change_id = logged._change_id
where intervals._operation = 'U'
