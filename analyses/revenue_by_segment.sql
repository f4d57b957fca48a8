-- Which segments bring the revenue, and what would their customers be worth next year?
with

customer_360 as (
    select
        segment_name,
        segment_action,
        monetary,
        value_365,
        predicted_value
    from {{ ref('customer_360') }}
    where has_ordered
),

revenue_by_segment as (
    select
        segment_name,
        segment_action,
        count(*) as customer_count,
        sum(monetary) as revenue,
        round(100 * cast(sum(monetary) as double) / sum(sum(monetary)) over (), 1) as revenue_percent,
        sum(value_365) as revenue_last_year,
        round(sum(predicted_value), 2) as predicted_revenue_next_year
    from customer_360
    group by 1, 2
)

select * from revenue_by_segment
order by 4 desc
