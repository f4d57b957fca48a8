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

-- What the forecast is held against: the rules that anyone would use without it, and that were there on all of its days.
simple_rules as (
    select
        rules.model,
        rules.mase,
        row_number() over (order by rules.mase asc, rules.model asc) as rule_rank
    from summed as rules
    inner join summed as forecasts
        on
            rules.origin_count = forecasts.origin_count
            and forecasts.model = 'forecast'
    where rules.model in ('seasonal_naive', 'four_weeks', 'last_year') and rules.mase is not null
),

best_rule as (
    select
        model,
        mase
    from simple_rules
    where rule_rank = 1
),

gains as (
    select
        forecasts.model,
        best_rule.model as best_rule,
        best_rule.mase as best_rule_mase,
        rules.mase - forecasts.mase as gain
    from forecast_backtest as forecasts
    cross join best_rule
    inner join forecast_backtest as rules
        on
            best_rule.model = rules.model
            and forecasts.origin_date = rules.origin_date
    where forecasts.model = 'forecast'
),

-- Paired, day by day: some months are hard for every rule.
compared as (
    select
        model,
        best_rule,
        best_rule_mase,
        count(gain) as gain_count,
        cast(avg(cast(gain as decimal(28, 10))) as double) as gain,
        cast(sum(cast(gain * gain as decimal(28, 10))) as double) as squared_gains
    from gains
    group by 1, 2, 3
),

judged as (
    select
        model,
        best_rule,
        gain_count,
        gain / nullif(best_rule_mase, 0) as skill,
        2 * sqrt(greatest(squared_gains - gain_count * gain * gain, 0) / nullif(gain_count - 1, 0) / gain_count)
        / nullif(best_rule_mase, 0) as skill_error
    from compared
    where gain_count > 0
),

forecast_scorecard as (
    select
        summed.model,
        summed.first_origin_date,
        summed.last_origin_date,
        cast(summed.origin_count as integer) as origin_count,
        summed.mase,
        summed.mase / nullif(summed.naive_mase, 0) as relative_mase,
        summed.total_error,
        summed.total_bias,
        summed.covered_days / nullif(summed.open_days, 0) as interval_coverage,
        cast(summed.open_days as integer) as open_day_count,
        summed.total_interval_coverage,
        cast(summed.covered_total_count as integer) as total_interval_count,
        judged.best_rule,
        judged.skill,
        judged.skill_error,
        case
            when judged.skill is null then null
            when judged.skill <= 0 then 'C'
            -- The spread of a few days says little.
            when judged.skill > judged.skill_error and judged.gain_count >= 6 then 'A'
            else 'B'
        end as grade,
        {{ as_of_date() }} as as_of_date
    from summed
    left join judged
        on summed.model = judged.model
)

select * from forecast_scorecard
