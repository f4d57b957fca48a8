-- Grain: one row per fit and eligible customer of the day that the fit scores: as_of_date for production,
-- the test dates for the backtests. The score is the level of the day and all contributions, of a sum or of
-- trees, whichever the form of the fit is; the other contributes nothing.
{%- set terms = model_terms('churn_model') %}
{%- set groups = terms | map(attribute='group') | unique | list %}
with

fits as (
    select
        'production' as fit,
        snapshot_date
    from {{ ref('int_snapshot_dates') }}
    where is_as_of_date
    union all
    select
        'backtest' as fit,
        snapshot_date
    from {{ ref('int_snapshot_dates') }}
    where is_test_date
    union all
    select
        'backtest_year' as fit,
        snapshot_date
    from {{ ref('int_snapshot_dates') }}
    where is_year_test_date
),

snapshots as (
    select
        fits.fit,
        customer_snapshots.*
    from {{ ref('int_customer_snapshots') }} as customer_snapshots
    inner join fits
        on customer_snapshots.snapshot_date = fits.snapshot_date
    where customer_snapshots.is_eligible
),

churn_parameters as (
    select *
    from {{ ref('churn_parameters') }}
    where model = 'churn'
),

versions as (
    select max(model_version) as model_version
    from churn_parameters
),

churn_tree_scores as (
    select
        fit,
        customer_id,
        contribution_{{ groups | join(',\n        contribution_') }}
    from {{ ref('churn_tree_scores') }}
),

with_mbg as (
    {{ mbg_features('snapshots', 'churn_parameters') }}
),

linear_scores as (
    {{ score_linear('with_mbg', 'churn_parameters', terms, 'fit') }}
),

scored as (
    select
        {% for group in groups -%}
        linear_scores.contribution_{{ group }} + coalesce(churn_tree_scores.contribution_{{ group }}, 0)
            as contribution_{{ group }},
        {% endfor -%}
        linear_scores.fit,
        linear_scores.customer_id,
        linear_scores.snapshot_date,
        linear_scores.score{% for group in groups %} + coalesce(churn_tree_scores.contribution_{{ group }}, 0){% endfor %} as score
    from linear_scores
    left join churn_tree_scores
        on
            linear_scores.fit = churn_tree_scores.fit
            and linear_scores.customer_id = churn_tree_scores.customer_id
),

churn_scores as (
    select
        scored.fit,
        scored.customer_id,
        scored.snapshot_date,
        {{ sigmoid('scored.score') }} as churn_probability,
        scored.score,
        {% for group in groups -%}
        scored.contribution_{{ group }},
        {% endfor -%}
        with_mbg.mbg_r,
        with_mbg.mbg_alpha,
        with_mbg.mbg_a,
        with_mbg.mbg_b,
        with_mbg.mbg_alive_chance,
        with_mbg.mbg_chance,
        versions.model_version
    from scored
    inner join with_mbg
        on
            scored.fit = with_mbg.fit
            and scored.customer_id = with_mbg.customer_id
    cross join versions
)

select * from churn_scores
