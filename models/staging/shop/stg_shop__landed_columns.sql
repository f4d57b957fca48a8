-- Grain: one row per raw table and column name of what it is read from.
with

source as (
    select * from {{ ref('base_shop__landed_columns') }}
),

renamed as (
    select
        ---------- strings
        entity,
        column_name,

        ---------- numerics
        occurrences,

        ---------- booleans
        is_used
    from source
)

select * from renamed
