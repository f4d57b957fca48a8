-- Grain: one row per fit and parameter of the version of as_of_date; versions of earlier days are kept.
-- Season, of the 90 days from a day on: how often those ordered who ordered in the same 90 days a year
-- ago, over how often they were expected to, given that they would. (Whether customers order has a
-- season too, which the churn model's level follows.)
-- Year, of the 365 days: actual over MBG/NBD orders of the newest twelve months, one window of 90 days
-- each, so that every season counts once. While fewer are known a part of the year would be taken for
-- the whole, so there is none.
-- Value of an order day: the customer's mean, drawn towards the shop's typical value (the mean of its customers'
-- means, those above the 99th percentile counted as it) by the weight that was least off on past dates. Kept share:
-- how much of it does not come back, by the same means.
{%- set settings_hash = local_md5([var('churn_horizon_days'), var('train_sample_rows'), var('minimum_customers'), var('minimum_labelled_snapshots'), var('random_seed')] | join('-')) %}
{%- set season_tolerance_days = 16 %}
{#- Seasons are published this many weeks ahead, so that scoring need not retrain. A younger shop has too
    few old customers to tell a season (SEASON_HISTORY_DAYS in clientele/levels.py). -#}
{%- set season_weeks, season_history_days = 26, 150 %}
with

fits as (
    select
        'backtest' as fit,
        cast({{ dbt.dateadd('day', -(var('churn_horizon_days') | int), 'as_of_date') }} as date) as fit_date,
        as_of_date
    from {{ ref('as_of_date') }}
    union all
    select
        'backtest_year' as fit,
        cast({{ dbt.date_trunc('month', dbt.dateadd('day', -365, 'as_of_date')) }} as date) as fit_date,
        as_of_date
    from {{ ref('as_of_date') }}
    union all
    select
        'production' as fit,
        as_of_date as fit_date,
        as_of_date
    from {{ ref('as_of_date') }}
),

order_totals as (
    select
        order_totals.fit,
        order_totals.snapshot_date,
        order_totals.history_days,
        order_totals.typical_value,
        order_totals.kept_share,
        {% for weight in order_value_weights() -%}
        order_totals.value_error_{{ loop.index0 }},
        {% endfor -%}
        order_totals.orders_next_90,
        -- Decimals, because doubles add up to other bits in another order.
        cast(order_totals.mbg_orders_90 as decimal(28, 12)) as mbg_orders_90,
        cast(order_totals.expected_orders_90 as decimal(28, 12)) as expected_orders_90,
        order_totals.snapshot_date < fits.fit_date as is_past
    from {{ ref('order_totals') }} as order_totals
    inner join fits
        on order_totals.fit = fits.fit
),

statuses as (
    select
        fits.fit,
        case
            when count(order_totals.fit) = 0 then 'there is no churn model, without which there is no value'
            when count(case when not order_totals.is_past then 1 end) = 0 then 'no customer ordered in the last 365 days'
            when coalesce(sum(case when order_totals.is_past then order_totals.orders_next_90 end), 0) = 0
                then 'no customer ordered again'
            else ''
        end as note,
        max(case when order_totals.is_past then order_totals.snapshot_date end) as newest_date
    from fits
    left join order_totals
        on fits.fit = order_totals.fit
    group by fits.fit
),

trained_fits as (
    select
        fits.fit,
        fits.fit_date,
        statuses.newest_date
    from fits
    inner join statuses
        on fits.fit = statuses.fit
    where statuses.note = ''
),

weeks as (
    {% for week in range(season_weeks + 1) -%}
    select {{ week }} as week_number{{ ' union all' if not loop.last }}
    {% endfor -%}
),

season_dates as (
    select
        trained_fits.fit,
        cast({{ dbt.dateadd('day', '7 * weeks.week_number', 'trained_fits.fit_date') }} as date) as season_date
    from trained_fits
    cross join weeks
),

seasons as (
    select
        season_dates.fit,
        season_dates.season_date,
        sum(order_totals.orders_next_90)
        / nullif(cast(sum(order_totals.expected_orders_90) as double), 0) as season
    from season_dates
    left join order_totals
        on
            season_dates.fit = order_totals.fit
            and order_totals.is_past
            and order_totals.history_days >= {{ season_history_days }}
            and abs({{ dbt.datediff('order_totals.snapshot_date', 'season_dates.season_date', 'day') }} - 365)
            <= {{ season_tolerance_days }}
    group by season_dates.fit, season_dates.season_date
),

-- Of each month of the newest year its first date; dates that move with the clock would tip the scales.
newest_year as (
    select
        order_totals.fit,
        order_totals.orders_next_90,
        order_totals.mbg_orders_90,
        row_number() over (
            partition by order_totals.fit, {{ dbt.date_trunc('month', 'order_totals.snapshot_date') }}
            order by order_totals.snapshot_date
        ) as place_in_month
    from order_totals
    inner join trained_fits
        on order_totals.fit = trained_fits.fit
    where
        order_totals.is_past
        and order_totals.snapshot_date > cast({{ dbt.dateadd('year', -1, 'trained_fits.newest_date') }} as date)
),

years as (
    select
        fit,
        case
            when count(*) < 12 then 1
            else sum(orders_next_90) / nullif(cast(sum(mbg_orders_90) as double), 0)
        end as year_factor
    from newest_year
    where place_in_month = 1
    group by fit
),

metrics as (
    select
        order_totals.fit,
        max(least(greatest(years.year_factor, 0.5), 2)) as year_factor,
        max(case when not order_totals.is_past then order_totals.typical_value end) as typical_order_value,
        max(case when not order_totals.is_past then order_totals.kept_share end) as kept_share,
        {% for weight in order_value_weights() -%}
        sum(cast(order_totals.value_error_{{ loop.index0 }} as decimal(28, 10))) as value_error_{{ loop.index0 }},
        {% endfor -%}
        count(case when order_totals.is_past then 1 end) as train_snapshots
    from order_totals
    inner join trained_fits
        on order_totals.fit = trained_fits.fit
    inner join years
        on order_totals.fit = years.fit
    group by order_totals.fit
),

chosen as (
    select
        *,
        case least({% for weight in order_value_weights() %}value_error_{{ loop.index0 }}{{ ', ' if not loop.last }}{% endfor %})
            {% for weight in order_value_weights() -%}
            when value_error_{{ loop.index0 }} then {{ weight }}
            {% endfor -%}
        end as prior_order_days
    from metrics
),

parameters as (
    select
        fit,
        'season' as parameter_type,
        '' as feature,
        season_date as snapshot_date,
        least(greatest(coalesce(season, 1), 0.5), 2) as value,
        '' as note
    from seasons
    {% for metric in ['year', 'typical_order_value', 'kept_share', 'prior_order_days', 'train_snapshots'] -%}
    union all
    select
        fit,
        'metric' as parameter_type,
        '{{ metric }}' as feature,
        cast(null as date) as snapshot_date,
        {{ 'year_factor' if metric == 'year' else metric }} as value,
        '' as note
    from chosen
    {% endfor -%}
    union all
    select
        fit,
        'status' as parameter_type,
        case when note = '' then 'trained' else 'insufficient_history' end as feature,
        cast(null as date) as snapshot_date,
        cast(null as double) as value,
        note
    from statuses
),

value_model as (
    select
        cast(fits.as_of_date as varchar) || '-{{ settings_hash[:8] }}' as model_version,
        fits.as_of_date,
        parameters.fit,
        -- Nobody reads it, but tables from before this model was SQL have it, and their versions are kept.
        'orders' as model,
        parameters.parameter_type,
        parameters.feature,
        parameters.snapshot_date,
        cast(parameters.value as double) as value,
        parameters.note
    from parameters
    inner join fits
        on parameters.fit = fits.fit
)

select * from value_model
