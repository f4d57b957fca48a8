-- Grain: one row per product and period in which its price and cost held. The first known price holds
-- for all time before; each period ends where the next begins, so that no day has two prices.
with

products_history as (
    select
        product_id,
        price,
        cost,
        cast(dbt_valid_from as date) as valid_from_date,
        dbt_scd_id
    from {{ ref('products_history') }}
    where dbt_valid_to is null or dbt_valid_to > dbt_valid_from
),

numbered as (
    select
        product_id,
        price,
        cost,
        valid_from_date,
        lead(valid_from_date) over (partition by product_id order by valid_from_date, dbt_scd_id)
            as next_valid_from_date,
        row_number() over (partition by product_id order by valid_from_date, dbt_scd_id)
            as version_number
    from products_history
),

dim_product_prices as (
    select
        product_id,
        price,
        cost,
        case when version_number = 1 then cast('1900-01-01' as date) else valid_from_date end
            as valid_from_date,
        coalesce(next_valid_from_date, cast('9999-12-31' as date)) as valid_to_date
    from numbered
)

select * from dim_product_prices
