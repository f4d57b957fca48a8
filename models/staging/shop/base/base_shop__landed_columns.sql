-- Grain: one row per raw table and column name of what it is read from.
with

source as (
    select * from {{ source('landing', 'landed_columns') }}
),

renamed as (
    select
        entity,
        -- The folder that a file lies in is no property of the shop.
        lower(trim(column_name)) as column_name,
        occurrences,
        -- Several raw tables may come from one file; what one of them reads is read.
        max(case when is_used then 1 else 0 end) over (partition by relation_name, lower(trim(column_name)))
            as is_used
    from source
),

base_shop__landed_columns as (
    select
        entity,
        column_name,
        max(occurrences) as occurrences,
        max(is_used) = 1 as is_used
    from renamed
    group by 1, 2
)

select * from base_shop__landed_columns
