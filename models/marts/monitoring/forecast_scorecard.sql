-- Grain: one row per model. Nothing adds up.
with

forecast_backtest as (
    select
        cast(origin_date as date) as origin_date,
        cast(model as varchar) as model,
        mase,
        naive_mase,
        expected / nullif(sold, 0) - 1 as total_error,
        covered_total,
        open_days,
        covered_days
    from {{ ref('forecast_backtest') }}
),

-- Decimals, because doubles add up to other bits in another order.
summed as (
    select
        model,
        min(origin_date) as first_origin_date,
        max(origin_date) as last_origin_date,
        count(*) as origin_count,
        cast(avg(cast(mase as decimal(28, 10))) as double) as mase,
        cast(avg(cast(naive_mase as decimal(28, 10))) as double) as naive_mase,
        cast(avg(cast(abs(total_error) as decimal(28, 10))) as double) as total_error,
        cast(avg(cast(total_error as decimal(28, 10))) as double) as total_bias,
        cast(avg(cast(covered_total as decimal(28, 10))) as double) as total_interval_coverage,
        count(covered_total) as covered_total_count,
        cast(sum(covered_days) as double) as covered_days,
        cast(sum(open_days) as double) as open_days
    from forecast_backtest
    group by 1
),

forecast_scorecard as (
    select
        model,
        first_origin_date,
        last_origin_date,
        cast(origin_count as integer) as origin_count,
        mase,
        mase / nullif(naive_mase, 0) as relative_mase,
        total_error,
        total_bias,
        covered_days / nullif(open_days, 0) as interval_coverage,
        cast(open_days as integer) as open_day_count,
        total_interval_coverage,
        cast(covered_total_count as integer) as total_interval_count,
        {{ as_of_date() }} as as_of_date
    from summed
)

select * from forecast_scorecard
