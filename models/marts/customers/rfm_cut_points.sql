-- Grain: one row per metric and score. customer_count adds up within a metric.
with

customer_rfm as (
    select
        recency_days,
        frequency,
        {{ scored_monetary() }} as monetary,
        r_score,
        f_score,
        m_score
    from {{ ref('customer_rfm') }}
),

scored_values as (
    select
        'recency_days' as metric,
        r_score as score,
        cast(recency_days as decimal(18, 2)) as metric_value
    from customer_rfm
    union all
    select
        'frequency' as metric,
        f_score as score,
        cast(frequency as decimal(18, 2)) as metric_value
    from customer_rfm
    union all
    select
        'monetary' as metric,
        m_score as score,
        monetary as metric_value
    from customer_rfm
),

rfm_cut_points as (
    select
        metric,
        score,
        cast(min(metric_value) as decimal(18, 2)) as lowest_value,
        cast(max(metric_value) as decimal(18, 2)) as highest_value,
        cast(count(*) as integer) as customer_count,
        {{ as_of_date() }} as as_of_date
    from scored_values
    group by 1, 2
)

select * from rfm_cut_points
