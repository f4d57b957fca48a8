-- Grain: one row per alarm, raw table and column name, of columns that nothing reads and headers that stand
-- twice.
with

landed_columns as (
    select
        entity,
        column_name,
        occurrences,
        is_used,
        {{ squeezed_name('column_name') }} as squeezed_name
    from {{ ref('stg_shop__landed_columns') }}
),

missing_columns as (
    select
        entity,
        column_name,
        {{ squeezed_name('column_name') }} as squeezed_name
    from {{ ref('contract_columns') }}
    where not is_decided
),

-- A name is near another that it is a part of (status, order_status) or a slip away from.
compared_columns as (
    select
        landed_columns.entity,
        landed_columns.column_name,
        missing_columns.column_name as near_name,
        {{ edit_distance('landed_columns.squeezed_name', 'missing_columns.squeezed_name') }} as distance
    from landed_columns
    left join missing_columns
        on
            landed_columns.entity = missing_columns.entity
            and length(landed_columns.squeezed_name) >= 4
            and (
                position(landed_columns.squeezed_name in missing_columns.squeezed_name) > 0
                or position(missing_columns.squeezed_name in landed_columns.squeezed_name) > 0
                or {{ edit_distance('landed_columns.squeezed_name', 'missing_columns.squeezed_name') }}
                <= case when length(missing_columns.squeezed_name) < 8 then 1 else 2 end
            )
    where not landed_columns.is_used
),

ranked_columns as (
    select
        entity,
        column_name,
        near_name,
        row_number() over (
            partition by entity, column_name
            order by distance asc nulls last, near_name asc
        ) as nearness
    from compared_columns
),

unused_columns as (
    select
        'unused_column' as alarm,
        case when near_name is null then 'info' else 'warn' end as severity,
        entity,
        column_name || coalesce(', near ' || near_name, '') as detail
    from ranked_columns
    where nearness = 1
),

repeated_columns as (
    select
        'repeated_column' as alarm,
        'warn' as severity,
        entity,
        column_name as detail
    from landed_columns
    where occurrences > 1
),

raised as (
    select * from unused_columns
    union all
    select * from repeated_columns
),

int_column_alarms as (
    select
        alarm,
        severity,
        entity,
        detail,
        1 as record_count,
        cast(null as decimal(18, 2)) as amount,
        cast(null as double) as share
    from raised
)

select * from int_column_alarms
