-- Prevents: a day on which a product has two prices, which doubles the lines sold on it, or none,
-- which makes them worth 0.
with

periods as (
    select
        product_id,
        valid_from_date,
        valid_to_date,
        lag(valid_to_date) over (partition by product_id order by valid_from_date, valid_to_date)
            as previous_valid_to_date,
        lead(valid_from_date) over (partition by product_id order by valid_from_date, valid_to_date)
            as next_valid_from_date
    from {{ ref('dim_product_prices') }}
)

select
    product_id,
    valid_from_date,
    valid_to_date
from periods
where
    valid_from_date is distinct from coalesce(previous_valid_to_date, cast('1900-01-01' as date))
    or valid_to_date is distinct from coalesce(next_valid_from_date, cast('9999-12-31' as date))
