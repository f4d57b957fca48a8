-- Grain: one row per order of a customer that is not cancelled. Nothing adds up.
{%- set neighbours = range(1, 6) %}
{%- set window = 86400 %}
with

orders as (
    select
        order_id,
        customer_id,
        ordered_at,
        order_date
    from {{ ref('fct_orders') }}
    where not is_cancelled and customer_id is not null
),

neighbourhoods as (
    select
        {% for number in neighbours -%}
        lag(ordered_at, {{ number }}) over (partition by customer_id order by ordered_at, order_id) as before_{{ number }},
        lead(ordered_at, {{ number }}) over (partition by customer_id order by ordered_at, order_id) as after_{{ number }},
        {% endfor -%}
        order_id,
        customer_id,
        ordered_at
    from orders
),

near_orders as (
    select
        order_id,
        customer_id,
        0
        {%- for number in neighbours %}
        + case when {{ dbt.datediff('before_' ~ number, 'ordered_at', 'second') }} < {{ window }} then 1 else 0 end
        + case when {{ dbt.datediff('ordered_at', 'after_' ~ number, 'second') }} < {{ window }} then 1 else 0 end
        {%- endfor %} as near_order_count
    from neighbourhoods
),

customer_times as (
    select
        customer_id,
        count(*) as order_count,
        cast({{ dbt.datediff('min(order_date)', 'max(order_date)', 'day') }} as double) as active_days
    from orders
    group by 1
),

shop_gaps as (
    select greatest(cast(sum(active_days) as double), 1) / greatest(sum(order_count - 1), 1) as mean_gap
    from customer_times
),

-- A rate of one's own from Gamma(1 + orders, mean gap of the shop + days): the orders around this one do not count.
-- The chance of at least k others in a time is at most the expected number of groups of k: a product of k factors.
paced as (
    select
        near_orders.order_id,
        near_orders.near_order_count,
        greatest(customer_times.order_count - near_orders.near_order_count, 1) as rate_orders,
        2 * {{ window }} / 86400.0 / (shop_gaps.mean_gap + customer_times.active_days) as rate_scale
    from near_orders
    inner join customer_times
        on near_orders.customer_id = customer_times.customer_id
    cross join shop_gaps
),

-- How much oftener than such rates say the orders of this shop come in twos and threes: it may split them in parcels.
clumping as (
    select
        greatest(
            1,
            cast(count(case when near_order_count >= 1 then 1 end) as double)
            / nullif(cast(sum(cast(least(rate_orders * rate_scale, 1) as decimal(28, 12))) as double), 0),
            sqrt(
                cast(count(case when near_order_count >= 2 then 1 end) as double)
                / nullif(cast(sum(cast(
                    least(rate_orders * (rate_orders + 1) * rate_scale * rate_scale / 2, 1) as decimal(28, 12)
                )) as double), 0)
            )
        ) as times
    from paced
),

int_order_speeds as (
    select
        paced.order_id,
        cast(paced.near_order_count as integer) as near_order_count,
        cast(
            1.0
            {%- for number in range(1, 7) %}
            * case
                when paced.near_order_count >= {{ number }}
                    then least(1, (paced.rate_orders + {{ number - 1 }}) * paced.rate_scale * clumping.times / {{ number }})
                else 1
            end
            {%- endfor %} as double
        ) as speed_chance
    from paced
    cross join clumping
)

select * from int_order_speeds
