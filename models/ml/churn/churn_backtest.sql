-- Grain: one row per model and eligible customer of the test date, the last day whose churn horizon is
-- over. The models know only what was known on that day.
{%- set baselines = [
    {'feature': 'recency_days', 'transform': 'above', 'group': 'all'},
    {'feature': 'rfm_score_sum', 'transform': 'identity', 'group': 'all'},
    {'feature': 'recency_days', 'transform': 'signed_log', 'group': 'all'},
    {'feature': 'frequency', 'transform': 'signed_log', 'group': 'all'},
    {'feature': 'monetary', 'transform': 'signed_log', 'group': 'all'},
] %}
with

test_dates as (
    select snapshot_date
    from {{ ref('int_snapshot_dates') }}
    where is_test_date
),

outcomes as (
    select
        customer_outcomes.customer_id,
        customer_outcomes.snapshot_date,
        customer_outcomes.is_churned
    from {{ ref('int_customer_outcomes') }} as customer_outcomes
    inner join test_dates
        on customer_outcomes.snapshot_date = test_dates.snapshot_date
    where customer_outcomes.is_churned is not null
),

baseline_parameters as (
    select *
    from {{ ref('churn_parameters') }}
    where fit = 'backtest' and model != 'churn'
),

baseline_models as (
    select
        model,
        model_version
    from baseline_parameters
    group by 1, 2
),

-- Every baseline scores every customer; the terms that it does not have contribute nothing.
customers as (
    select
        baseline_models.model,
        baseline_models.model_version,
        customer_snapshots.customer_id,
        customer_snapshots.snapshot_date,
        customer_snapshots.recency_days,
        customer_snapshots.frequency,
        customer_snapshots.monetary,
        customer_snapshots.r_score + customer_snapshots.f_score + customer_snapshots.m_score as rfm_score_sum
    from {{ ref('int_customer_snapshots') }} as customer_snapshots
    inner join test_dates
        on customer_snapshots.snapshot_date = test_dates.snapshot_date
    cross join baseline_models
    where customer_snapshots.is_eligible
),

baseline_scores as (
    {{ score_linear('customers', 'baseline_parameters', baselines, 'model') }}
),

predictions as (
    select
        'churn' as model,
        customer_id,
        snapshot_date,
        churn_probability,
        model_version
    from {{ ref('churn_scores') }}
    where fit = 'backtest'
    union all
    select
        baseline_scores.model,
        baseline_scores.customer_id,
        baseline_scores.snapshot_date,
        {{ sigmoid('baseline_scores.score') }} as churn_probability,
        baseline_models.model_version
    from baseline_scores
    inner join baseline_models
        on baseline_scores.model = baseline_models.model
),

churn_backtest as (
    select
        predictions.model,
        predictions.customer_id,
        predictions.snapshot_date,
        predictions.churn_probability,
        outcomes.is_churned,
        predictions.model_version
    from predictions
    inner join outcomes
        on
            predictions.customer_id = outcomes.customer_id
            and predictions.snapshot_date = outcomes.snapshot_date
)

select * from churn_backtest
