-- Grain: one row per customer. Probabilities average to the expected share of churners; bands, reasons
-- and statuses do not add up.
{#- A year, the horizon, and the 150 days that a level takes (SEASON_HISTORY_DAYS in churn_model.py). -#}
{%- set season_days = 365 + var('churn_horizon_days') | int + 150 %}
{%- set groups = model_terms('churn_model') | map(attribute='group') | unique | list or ['silence'] %}
with

customers as (
    select customer_id
    from {{ ref('dim_customers') }}
),

snapshots as (
    select *
    from {{ ref('int_customer_snapshots') }}
    where snapshot_date = {{ as_of_date() }}
),

eligible as (
    select *
    from snapshots
    where is_eligible
),

parameters as (
    select *
    from {{ ref('model_parameters') }}
    where fit = 'production' and model = 'churn'
),

versions as (
    select
        max(model_version) as model_version,
        max(case when parameter_type = 'status' and feature != 'trained' then note end) as untrained_reason,
        max(case when feature = 'train_customers' then value end) as train_customers,
        max(case when feature = 'history_days' then value end) as history_days
    from parameters
),

with_mbg as (
    {{ mbg_features('eligible', 'parameters') }}
),

scores as (
    {{ score_churn('with_mbg', 'parameters') }}
),

explained as (
    select
        {% for group in groups -%}
        abs(scores.contribution_{{ group }}) as strength_{{ group }},
        {{ churn_reason(group, 'scores.contribution_' ~ group) }} as reason_{{ group }},
        {% endfor -%}
        scores.customer_id,
        {{ sigmoid('scores.score') }} as churn_probability
    from scores
    inner join eligible
        on scores.customer_id = eligible.customer_id
),

first_named as (
    select
        *,
        {{ strongest_group(groups) }} as group_1
    from explained
),

second_named as (
    select
        *,
        {{ strongest_group(groups, ['group_1']) }} as group_2
    from first_named
),

third_named as (
    select
        *,
        {{ strongest_group(groups, ['group_1', 'group_2']) }} as group_3
    from second_named
),

reasoned as (
    select
        {% for number in [1, 2, 3] -%}
        case group_{{ number }}
            {% for group in groups -%}
            when '{{ group }}' then reason_{{ group }}
            {% endfor -%}
        end as reason_{{ number }},
        {% endfor -%}
        customer_id,
        churn_probability
    from third_named
),

customer_churn as (
    select
        customers.customer_id,
        reasoned.churn_probability,
        case
            when reasoned.churn_probability >= {{ var('high_churn_risk') }} then 'high'
            when reasoned.churn_probability >= {{ var('medium_churn_risk') }} then 'medium'
            when reasoned.churn_probability is not null then 'low'
        end as risk_band,
        case
            when reasoned.churn_probability is not null then 'scored'
            when snapshots.customer_id is null then 'never_ordered'
            when not snapshots.is_eligible then 'inactive'
            else 'insufficient_history'
        end as score_status,
        case
            when reasoned.churn_probability is not null and versions.train_customers < 500
                then 'Provisional: learnt from fewer than 500 customers.'
            when reasoned.churn_probability is not null and versions.history_days < {{ season_days }}
                then 'The season is not known yet: that takes {{ season_days }} days of history.'
            when reasoned.churn_probability is not null then null
            when snapshots.customer_id is null then 'No order that is not cancelled.'
            when not snapshots.is_eligible
                then 'No order for ' || cast(snapshots.recency_days as varchar) || ' days: only customers of the last 365 days are scored.'
            else 'No model: ' || coalesce(versions.untrained_reason, 'none was trained') || '.'
        end as score_reason,
        reasoned.reason_1,
        reasoned.reason_2,
        reasoned.reason_3,
        coalesce(versions.model_version, 'none') as model_version,
        {{ as_of_date() }} as as_of_date
    from customers
    cross join versions
    left join snapshots
        on customers.customer_id = snapshots.customer_id
    left join reasoned
        on customers.customer_id = reasoned.customer_id
)

select * from customer_churn
