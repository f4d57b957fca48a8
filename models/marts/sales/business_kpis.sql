-- Grain: one row per figure and month, and one per figure over all months. Nothing adds up here: the parts that do
-- stand in monthly_sales.
with

months as (
    select
        'month' as period,
        month_date,
        is_whole_month,
        revenue,
        net_revenue,
        margin,
        costed_revenue,
        net_margin,
        order_count,
        customer_count,
        returning_customer_count,
        refund_amount
    from {{ ref('monthly_sales') }}
),

buyers as (
    select
        customer_id,
        count(*) as order_count
    from {{ ref('fct_orders') }}
    where not is_cancelled and customer_id is not null
    group by 1
),

visits as (
    select
        customer_id,
        cast({{ dbt.date_trunc('month', 'activity_date') }} as date) as month_date,
        max(case when order_count > 0 then 1 else 0 end) as has_ordered
    from {{ ref('int_customer_days') }}
    group by 1, 2
    having sum(event_count) > 0
),

conversions as (
    select
        month_date,
        count(*) as visitor_count,
        sum(has_ordered) as buyer_count
    from visits
    group by 1
),

month_totals as (
    select
        cast(sum(revenue) as double) as revenue,
        cast(sum(net_revenue) as double) as net_revenue,
        cast(sum(margin) as double) as margin,
        cast(sum(margin) as double) / nullif(cast(sum(costed_revenue) as double), 0) as margin_rate,
        cast(sum(net_margin) as double) as net_margin,
        cast(sum(order_count) as double) as orders,
        cast(sum(refund_amount) as double) / nullif(cast(sum(revenue) as double), 0) as return_rate
    from months
),

buyer_totals as (
    select
        cast(count(*) as double) as active_customers,
        cast(count(case when order_count > 1 then 1 end) as double) / nullif(count(*), 0) as repeat_rate
    from buyers
),

conversion_totals as (
    select cast(sum(buyer_count) as double) / nullif(sum(visitor_count), 0) as conversion_rate
    from conversions
),

periods as (
    select
        months.period,
        months.month_date,
        months.is_whole_month,
        cast(months.revenue as double) as revenue,
        cast(months.net_revenue as double) as net_revenue,
        cast(months.margin as double) as margin,
        cast(months.margin as double) / nullif(cast(months.costed_revenue as double), 0) as margin_rate,
        cast(months.net_margin as double) as net_margin,
        cast(months.order_count as double) as orders,
        cast(months.customer_count as double) as active_customers,
        cast(months.returning_customer_count as double) / nullif(months.customer_count, 0) as repeat_rate,
        cast(months.refund_amount as double) / nullif(cast(months.revenue as double), 0) as return_rate,
        cast(conversions.buyer_count as double) / nullif(conversions.visitor_count, 0) as conversion_rate
    from months
    left join conversions
        on months.month_date = conversions.month_date
    union all
    select
        'total' as period,
        cast(null as date) as month_date,
        true as is_whole_month,
        month_totals.revenue,
        month_totals.net_revenue,
        month_totals.margin,
        month_totals.margin_rate,
        month_totals.net_margin,
        month_totals.orders,
        buyer_totals.active_customers,
        buyer_totals.repeat_rate,
        month_totals.return_rate,
        conversion_totals.conversion_rate
    from month_totals
    cross join buyer_totals
    cross join conversion_totals
),

figures as (
    {% for figure in [
        'revenue', 'net_revenue', 'margin', 'margin_rate', 'net_margin', 'orders', 'average_basket', 'active_customers',
        'repeat_rate', 'return_rate', 'conversion_rate',
    ] -%}
    select
        '{{ figure }}' as kpi,
        period,
        month_date,
        is_whole_month,
        {{ 'revenue / nullif(orders, 0)' if figure == 'average_basket' else figure }} as kpi_value
    from periods
    {{ 'union all' if not loop.last }}
    {% endfor -%}
),

business_kpis as (
    select
        figures.kpi,
        figures.period,
        figures.month_date,
        figures.is_whole_month,
        figures.kpi_value,
        month_before.kpi_value as value_month_before,
        year_before.kpi_value as value_year_before,
        figures.kpi_value / nullif(month_before.kpi_value, 0) - 1 as change_month,
        figures.kpi_value / nullif(year_before.kpi_value, 0) - 1 as change_year,
        {{ as_of_date() }} as as_of_date
    from figures
    left join figures as month_before
        on
            figures.kpi = month_before.kpi
            and figures.period = month_before.period
            and cast({{ dbt.dateadd('month', -1, 'figures.month_date') }} as date) = month_before.month_date
    left join figures as year_before
        on
            figures.kpi = year_before.kpi
            and figures.period = year_before.period
            and cast({{ dbt.dateadd('month', -12, 'figures.month_date') }} as date) = year_before.month_date
)

select * from business_kpis
