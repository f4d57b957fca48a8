-- Grain: one row per model and eligible customer of the test date, the last day whose churn horizon is
-- over. The models know only what was known on that day.
{%- set baselines = {
    'silent_rule': [{'feature': 'recency_days', 'transform': 'above', 'group': 'all'}],
    'rfm_sum': [{'feature': 'rfm_score_sum', 'transform': 'identity', 'group': 'all'}],
    'rfm_logit': [
        {'feature': 'recency_days', 'transform': 'signed_log', 'group': 'all'},
        {'feature': 'frequency', 'transform': 'signed_log', 'group': 'all'},
        {'feature': 'monetary', 'transform': 'signed_log', 'group': 'all'},
    ],
} %}
with

test_dates as (
    select snapshot_date
    from {{ ref('int_snapshot_dates') }}
    where is_test_date
),

snapshots as (
    select
        customer_snapshots.*,
        customer_snapshots.r_score + customer_snapshots.f_score + customer_snapshots.m_score as rfm_score_sum
    from {{ ref('int_customer_snapshots') }} as customer_snapshots
    inner join test_dates
        on customer_snapshots.snapshot_date = test_dates.snapshot_date
    where customer_snapshots.is_eligible
),

outcomes as (
    select
        customer_id,
        snapshot_date,
        is_churned
    from {{ ref('int_customer_outcomes') }}
    where is_churned is not null
),

parameters as (
    select *
    from {{ ref('model_parameters') }}
    where fit = 'backtest'
),

{% for model in ['churn'] + baselines | list -%}
{{ model }}_parameters as (
    select *
    from parameters
    where model = '{{ model }}'
),

{% endfor -%}
with_mbg as (
    {{ mbg_features('snapshots', 'churn_parameters') }}
),

churn_scores as (
    {{ score_churn('with_mbg', 'churn_parameters') }}
),

{% for model, terms in baselines.items() -%}
{{ model }}_scores as (
    {{ score_linear('snapshots', model ~ '_parameters', terms) }}
),

{% endfor -%}
scores as (
    {% for model in ['churn'] + baselines | list -%}
    select
        '{{ model }}' as model,
        customer_id,
        snapshot_date,
        score
    from {{ model }}_scores
    {{ 'union all' if not loop.last }}
    {% endfor -%}
),

versions as (
    select max(model_version) as model_version
    from parameters
),

churn_backtest as (
    select
        scores.model,
        scores.customer_id,
        scores.snapshot_date,
        {{ sigmoid('scores.score') }} as churn_probability,
        outcomes.is_churned,
        versions.model_version
    from scores
    inner join outcomes
        on
            scores.customer_id = outcomes.customer_id
            and scores.snapshot_date = outcomes.snapshot_date
    cross join versions
)

select * from churn_backtest
