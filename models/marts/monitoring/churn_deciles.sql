-- Grain: one row per tenth of the tested customers, 1 with the highest predicted probability. Counts add
-- up; rates do not.
with

predictions as (
    select
        customer_id,
        snapshot_date,
        model_version,
        churn_probability,
        -- As in model_scorecard: who shares a score shares its outcome.
        avg(cast(case when is_churned then 1 else 0 end as double)) over (partition by churn_probability)
            as churn_rate_of_score,
        ntile(10) over (order by churn_probability desc, customer_id asc) as decile
    from {{ ref('churn_backtest') }}
    where model = 'churn'
),

summed as (
    select
        decile,
        snapshot_date,
        model_version,
        count(*) as customers,
        sum(cast(churn_rate_of_score as decimal(28, 15))) as churners,
        sum(cast(churn_probability as decimal(28, 15))) as expected_churners
    from predictions
    group by 1, 2, 3
),

totals as (
    select
        sum(customers) as customers,
        sum(churners) as churners
    from summed
),

churn_deciles as (
    select
        cast(summed.decile as integer) as decile,
        summed.snapshot_date as test_date,
        summed.model_version,
        cast(summed.customers as integer) as customers,
        cast(summed.churners as double) as churners,
        cast(summed.expected_churners as double) / summed.customers as predicted_rate,
        cast(summed.churners as double) / summed.customers as observed_rate,
        cast(summed.churners as double) / summed.customers
        / nullif(cast(totals.churners as double) / totals.customers, 0) as lift,
        cast(sum(summed.churners) over (order by summed.decile) as double) / nullif(totals.churners, 0)
            as captured_share,
        {{ as_of_date() }} as as_of_date
    from summed
    cross join totals
)

select * from churn_deciles
