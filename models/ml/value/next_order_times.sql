-- Grain: one row per fit and group of customers alike in rhythm and silence, of whom at least 30 were seen to order
-- again; -1 stands for any. When did they, of those of past dates who did within a year (or what was known of it, at
-- least 180 days)? Times are in the customer's own gaps, counted from the last order or from the day, whichever told
-- the next order more closely.
{%- set follow_up_days, backtest_days, dates, enough = 180, 270, 12, 30 %}
with

clock as (
    select as_of_date
    from {{ ref('as_of_date') }}
),

snapshot_dates as (
    select
        snapshot_date,
        is_month_start
    from {{ ref('int_snapshot_dates') }}
),

training_sample as (
    select
        snapshot_date,
        order_days,
        tenure_days,
        recency_days,
        gap_variation,
        days_to_next_order
    from {{ ref('int_training_sample') }}
),

-- The backtest is of a day since when there was time to order again.
fits as (
    select
        'production' as fit,
        as_of_date as fit_date
    from clock
    union all
    select
        'backtest' as fit,
        max(snapshot_dates.snapshot_date) as fit_date
    from snapshot_dates
    inner join clock
        on snapshot_dates.snapshot_date <= {{ dbt.dateadd('day', -backtest_days, 'clock.as_of_date') }}
    where snapshot_dates.is_month_start
),

fit_dates as (
    select
        fits.fit,
        fits.fit_date,
        snapshot_dates.snapshot_date,
        row_number() over (partition by fits.fit order by snapshot_dates.snapshot_date desc) as newness
    from fits
    inner join snapshot_dates
        on snapshot_dates.snapshot_date <= {{ dbt.dateadd('day', -follow_up_days, 'fits.fit_date') }}
    where snapshot_dates.is_month_start
),

known as (
    select
        fit_dates.fit,
        fit_dates.fit_date,
        training_sample.order_days,
        training_sample.tenure_days,
        training_sample.recency_days,
        training_sample.gap_variation,
        case
            when
                training_sample.days_to_next_order < least(
                    365, {{ dbt.datediff('fit_dates.snapshot_date', 'fit_dates.fit_date', 'day') }}
                )
                then training_sample.days_to_next_order
        end as days_to_next_order
    from training_sample
    inner join fit_dates
        on training_sample.snapshot_date = fit_dates.snapshot_date
    where fit_dates.newness <= {{ dates }}
),

prior_gaps as (
    select
        fit,
        cast(sum(tenure_days - recency_days) as double) / nullif(sum(order_days - 1), 0) as prior_gap
    from known
    group by 1
),

with_prior as (
    select
        known.*,
        prior_gaps.prior_gap
    from known
    inner join prior_gaps
        on known.fit = prior_gaps.fit
    -- A shop to which nobody came back has no rhythm.
    where prior_gaps.prior_gap > 0
),

rhythms as (
    {{ order_rhythm('with_prior') }}
),

-- Small groups answer by the larger ones that they are part of.
grouped as (
    {% for rhythm, silence in [('rhythm_class', 'silence_class'), ('rhythm_class', '-1'), ('-1', '-1')] -%}
    select
        fit,
        fit_date,
        prior_gap,
        {{ rhythm }} as rhythm_class,
        {{ silence }} as silence_class,
        gap_scale,
        recency_days,
        days_to_next_order,
        days_to_next_order / gap_scale as gaps_from_day,
        (recency_days + days_to_next_order) / gap_scale as gaps_from_order
    from rhythms
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

times as (
    select
        fit,
        fit_date,
        prior_gap,
        rhythm_class,
        silence_class,
        count(*) as customers,
        {% for percent in [10, 50, 90] -%}
        percentile_cont({{ percent / 100 }}) within group (order by gaps_from_day) as day_{{ percent }},
        percentile_cont({{ percent / 100 }}) within group (order by gaps_from_order) as order_{{ percent }},
        {% endfor -%}
        count(days_to_next_order) as returning_customers
    from grouped
    group by 1, 2, 3, 4, 5
    having count(days_to_next_order) >= {{ enough }}
),

errors as (
    select
        grouped.fit,
        grouped.rhythm_class,
        grouped.silence_class,
        percentile_cont(0.5) within group (order by abs(
            grouped.gap_scale * times.day_50 - grouped.days_to_next_order
        )) as day_error,
        percentile_cont(0.5) within group (order by abs(
            greatest(grouped.gap_scale * times.order_50 - grouped.recency_days, 0) - grouped.days_to_next_order
        )) as order_error
    from grouped
    inner join times
        on
            grouped.fit = times.fit
            and grouped.rhythm_class = times.rhythm_class
            and grouped.silence_class = times.silence_class
    where grouped.days_to_next_order is not null
    group by 1, 2, 3
),

next_order_times as (
    select
        times.fit,
        times.fit_date,
        cast(times.rhythm_class as integer) as rhythm_class,
        cast(times.silence_class as integer) as silence_class,
        times.prior_gap,
        cast(times.customers as integer) as customers,
        cast(times.returning_customers as integer) as returning_customers,
        {% for percent in [10, 50, 90] -%}
        case when errors.order_error < errors.day_error then times.order_{{ percent }} else times.day_{{ percent }} end
            as gaps_{{ percent }},
        {% endfor -%}
        errors.order_error < errors.day_error as is_from_last_order
    from times
    inner join errors
        on
            times.fit = errors.fit
            and times.rhythm_class = errors.rhythm_class
            and times.silence_class = errors.silence_class
)

select * from next_order_times
