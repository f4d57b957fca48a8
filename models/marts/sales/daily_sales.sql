-- Grain: one row per day from the first order or return to the day before as_of_date, days without a sale
-- included. Counts and money add up, except customer_count and average_order_value.
with

orders as (
    select
        order_id,
        customer_id,
        order_date,
        is_first_order,
        unit_count,
        order_discount,
        order_revenue,
        order_margin
    from {{ ref('fct_orders') }}
    where not is_cancelled
),

returns as (
    select
        return_date,
        sum(refund_amount) as refund_amount
    from {{ ref('fct_returns') }}
    group by 1
),

dates as (
    select date_day
    from {{ ref('dim_dates') }}
    where
        date_day < {{ as_of_date() }}
        and date_day >= (
            select min(first_dates.first_date)
            from (
                select min(orders.order_date) as first_date from orders
                union all
                select min(returns.return_date) as first_date from returns
            ) as first_dates
        )
),

summed as (
    select
        order_date,
        count(*) as order_count,
        count(distinct customer_id) as customer_count,
        count(case when is_first_order then 1 end) as first_order_count,
        sum(unit_count) as unit_count,
        sum(order_discount) as discount_amount,
        sum(order_revenue) as revenue,
        sum(order_margin) as margin
    from orders
    group by 1
),

filled as (
    select
        dates.date_day as order_date,
        cast(coalesce(summed.order_count, 0) as integer) as order_count,
        cast(coalesce(summed.customer_count, 0) as integer) as customer_count,
        cast(coalesce(summed.first_order_count, 0) as integer) as first_order_count,
        cast(coalesce(summed.unit_count, 0) as bigint) as unit_count,
        cast(coalesce(summed.discount_amount, 0) as decimal(18, 2)) as discount_amount,
        cast(coalesce(summed.revenue, 0) as decimal(18, 2)) as revenue,
        cast(coalesce(summed.margin, 0) as decimal(18, 2)) as margin,
        cast(coalesce(returns.refund_amount, 0) as decimal(18, 2)) as refund_amount,
        cast(coalesce(summed.revenue, 0) - coalesce(returns.refund_amount, 0) as decimal(18, 2)) as net_revenue,
        {{ money_per('summed.revenue', 'summed.order_count') }} as average_order_value
    from dates
    left join summed
        on dates.date_day = summed.order_date
    left join returns
        on dates.date_day = returns.return_date
),

summed_days as (
    select
        {% for days in [7, 28] -%}
        count(*) over (order by order_date rows between {{ days - 1 }} preceding and current row) as days_{{ days }},
        sum(revenue) over (order by order_date rows between {{ days - 1 }} preceding and current row) as revenue_{{ days }},
        {% endfor -%}
        *
    from filled
),

daily_sales as (
    select
        summed_days.order_date,
        summed_days.order_count,
        summed_days.customer_count,
        summed_days.first_order_count,
        summed_days.unit_count,
        summed_days.discount_amount,
        summed_days.revenue,
        summed_days.margin,
        summed_days.refund_amount,
        summed_days.net_revenue,
        summed_days.average_order_value,
        {% for days in [7, 28] -%}
        -- Only where all of the days are known.
        case
            when summed_days.days_{{ days }} = {{ days }} then cast(summed_days.revenue_{{ days }} as double) / {{ days }}
        end as revenue_average_{{ days }},
        {% endfor -%}
        last_year.revenue as last_year_revenue
    from summed_days
    left join filled as last_year
        on cast({{ dbt.dateadd('day', -364, 'summed_days.order_date') }} as date) = last_year.order_date
)

select * from daily_sales
