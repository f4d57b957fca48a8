-- Grain: one row per order that is not cancelled. Nothing adds up. Each `_chance` is how likely an ordinary order of the
-- shop is to be at least as large; 1 where that cannot be told.
with

orders as (
    select
        order_id,
        customer_id,
        order_date,
        order_revenue,
        is_first_order or customer_id is null as is_new_customer,
        case when order_revenue > 0 then ln(cast(order_revenue as double)) end as log_value
    from {{ ref('fct_orders') }}
    where not is_cancelled
),

largest_lines as (
    select
        order_id,
        max(quantity) as unit_count
    from {{ ref('fct_order_lines') }}
    where not is_cancelled
    group by 1
),

measured as (
    select
        orders.order_id,
        orders.customer_id,
        orders.order_date,
        orders.order_revenue,
        orders.is_new_customer,
        orders.log_value,
        largest_lines.unit_count,
        ln(cast(largest_lines.unit_count as double)) as log_units
    from orders
    inner join largest_lines
        on orders.order_id = largest_lines.order_id
),

shop_medians as (
    select
        percentile_cont(0.5) within group (order by log_value) as log_value,
        percentile_cont(0.5) within group (order by case when is_new_customer then log_value end) as new_log_value,
        percentile_cont(0.5) within group (order by log_units) as log_units
    from measured
),

shop_spreads as (
    select
        max(shop_medians.log_value) as log_value,
        max(coalesce(shop_medians.new_log_value, shop_medians.log_value)) as new_log_value,
        max(shop_medians.log_units) as log_units,
        percentile_cont(0.5) within group (order by abs(measured.log_value - shop_medians.log_value)) as log_value_spread
    from measured
    cross join shop_medians
),

customer_medians as (
    select
        customer_id,
        count(log_value) as order_count,
        percentile_cont(0.5) within group (order by log_value) as log_value,
        percentile_cont(0.5) within group (order by log_units) as log_units
    from measured
    where customer_id is not null
    group by 1
),

customer_spreads as (
    select
        measured.customer_id,
        max(customer_medians.order_count) as order_count,
        max(customer_medians.log_value) as log_value,
        max(customer_medians.log_units) as log_units,
        percentile_cont(0.5) within group (order by abs(measured.log_value - customer_medians.log_value))
            as log_value_spread
    from measured
    inner join customer_medians
        on measured.customer_id = customer_medians.customer_id
    group by 1
),

-- A customer's other orders weigh as many as they are, the shop 4 orders for the middle and 10 for the spread.
centred as (
    select
        measured.order_id,
        measured.customer_id,
        measured.order_date,
        measured.order_revenue,
        measured.is_new_customer,
        measured.unit_count,
        measured.log_value,
        measured.log_units,
        case
            when measured.is_new_customer or customer_spreads.log_value is null then shop_spreads.new_log_value
            else
                ((customer_spreads.order_count - 1) * customer_spreads.log_value + 4 * shop_spreads.log_value)
                / (customer_spreads.order_count + 3)
        end as usual_log_value,
        case
            when measured.is_new_customer or customer_spreads.log_units is null then shop_spreads.log_units
            else
                ((customer_spreads.order_count - 1) * customer_spreads.log_units + 4 * shop_spreads.log_units)
                / (greatest(customer_spreads.order_count, 1) + 3)
        end as usual_log_units,
        -- 1.4826 makes the median of distances a standard deviation where logarithms are normal.
        1.4826 * greatest(
            case
                when measured.is_new_customer or customer_spreads.log_value_spread is null
                    then shop_spreads.log_value_spread
                else
                    (
                        (customer_spreads.order_count - 1) * customer_spreads.log_value_spread
                        + 10 * shop_spreads.log_value_spread
                    ) / (customer_spreads.order_count + 9)
            end, 0.2
        ) as log_value_spread
    from measured
    cross join shop_spreads
    left join customer_spreads
        on measured.customer_id = customer_spreads.customer_id
),

distances as (
    select
        *,
        (log_value - usual_log_value) / log_value_spread as value_distance,
        log_units - usual_log_units as units_distance
    from centred
),

value_tails as (
    select
        is_new_customer,
        count(value_distance) as order_count,
        percentile_cont(0.9) within group (order by value_distance) as lower_distance,
        percentile_cont(0.98) within group (order by value_distance) as upper_distance
    from distances
    group by 1
),

units_tails as (
    select
        count(*) as order_count,
        percentile_cont(0.9) within group (order by units_distance) as lower_distance,
        percentile_cont(0.98) within group (order by units_distance) as upper_distance
    from distances
),

-- A tail needs orders to be told by.
judgements as (
    select
        distances.*,
        value_tails.order_count >= 100 and distances.value_distance is not null as is_value_judged,
        units_tails.order_count >= 100 as is_units_judged,
        value_tails.lower_distance as lower_value_distance,
        value_tails.upper_distance as upper_value_distance,
        units_tails.lower_distance as lower_units_distance,
        units_tails.upper_distance as upper_units_distance
    from distances
    inner join value_tails
        on distances.is_new_customer = value_tails.is_new_customer
    cross join units_tails
),

int_order_sizes as (
    select
        order_id,
        customer_id,
        order_date,
        order_revenue,
        is_new_customer,
        exp(log_value - usual_log_value) as value_ratio,
        cast(unit_count as integer) as unit_count,
        exp(usual_log_units) as usual_unit_count,
        is_value_judged,
        is_units_judged,
        -- Less than three times the usual is nobody's business.
        cast(case
            when not is_value_judged or log_value - usual_log_value < ln(3) then 1
            else {{ upper_tail('value_distance', 'lower_value_distance', 'upper_value_distance', 0.2) }}
        end as double) as value_chance,
        cast(case
            when not is_units_judged or units_distance < ln(3) then 1
            else {{ upper_tail('units_distance', 'lower_units_distance', 'upper_units_distance', 0.2) }}
        end as double) as units_chance
    from judgements
)

select * from int_order_sizes
