-- Grain: one row per customer. Probabilities average to the expected share of churners; bands, reasons
-- and statuses do not add up.
{#- A year, the horizon, and the 150 days that a level takes (SEASON_HISTORY_DAYS in clientele/levels.py). -#}
{%- set season_days = 365 + var('churn_horizon_days') | int + 150 %}
{%- set groups = model_terms('churn_model') | map(attribute='group') | unique | list %}
with

customers as (
    select customer_id
    from {{ ref('dim_customers') }}
),

snapshots as (
    select
        customer_id,
        is_eligible,
        recency_days,
        tenure_days,
        mean_gap,
        orders_90,
        orders_365,
        orders_last_year
    from {{ ref('int_customer_snapshots') }}
    where snapshot_date = {{ as_of_date() }}
),

parameters as (
    select
        model_version,
        parameter_type,
        feature,
        value,
        note
    from {{ ref('churn_parameters') }}
    where fit = 'production' and model = 'churn'
),

churn_scores as (
    select
        customer_id,
        {% for group in groups -%}
        contribution_{{ group }},
        {% endfor -%}
        churn_probability
    from {{ ref('churn_scores') }}
    where fit = 'production'
),

versions as (
    select
        max(model_version) as model_version,
        max(case when parameter_type = 'status' then feature end) as model_status,
        max(case when parameter_type = 'status' and feature not in ('trained', 'no_skill') then note end)
            as untrained_reason,
        max(case when feature = 'train_customers' then value end) as train_customers,
        max(case when feature = 'history_days' then value end) as history_days
    from parameters
),

explained as (
    select
        {% for group in groups -%}
        {% set contribution = 'churn_scores.contribution_' ~ group -%}
        -- Less than this is not worth a word. Whoever is looked at because they may leave has reasons for leaving.
        case
            when abs({{ contribution }}) < 0.05 then 0
            when churn_scores.churn_probability >= {{ var('medium_churn_risk') }} then greatest({{ contribution }}, 0)
            else greatest(-{{ contribution }}, 0)
        end as strength_{{ group }},
        {{ churn_reason(group, contribution) }} as reason_{{ group }},
        {% endfor -%}
        churn_scores.customer_id,
        churn_scores.churn_probability
    from churn_scores
    inner join snapshots
        on churn_scores.customer_id = snapshots.customer_id
),

-- The strongest group is named and taken out, three times.
{% for number in [1, 2, 3] -%}
named_{{ number }} as (
    select
        *,
        case greatest({% for group in groups %}strength_{{ group }}{{ ', ' if not loop.last }}{% endfor %})
            when 0 then null
            {% for group in groups -%}
            when strength_{{ group }} then '{{ group }}'
            {% endfor -%}
        end as named_group
    from {{ 'explained' if number == 1 else 'unnamed_' ~ (number - 1) }}
),

unnamed_{{ number }} as (
    select
        customer_id,
        churn_probability,
        {% for earlier in range(1, number) -%}
        reason_{{ earlier }},
        reason_code_{{ earlier }},
        {% endfor -%}
        {% for group in groups -%}
        case when named_group = '{{ group }}' then 0 else strength_{{ group }} end as strength_{{ group }},
        reason_{{ group }},
        {% endfor -%}
        case named_group
            {% for group in groups -%}
            when '{{ group }}' then reason_{{ group }}
            {% endfor -%}
        end as reason_{{ number }},
        named_group as reason_code_{{ number }}
    from named_{{ number }}
),

{% endfor -%}
ranked as (
    select
        *,
        -- Twice the mean rank of equal probabilities, which ntile would tell apart by their ids.
        2 * rank() over (order by churn_probability) + count(*) over (partition by churn_probability) - 1 as double_rank,
        count(*) over () as scored_count
    from unnamed_3
),

customer_churn as (
    select
        customers.customer_id,
        scored.churn_probability,
        case
            when versions.model_status = 'trained'
                then cast(ceil(cast(50 * scored.double_rank as double) / scored.scored_count) as integer)
        end as churn_percentile,
        case
            when versions.model_status = 'no_skill' then null
            when scored.churn_probability >= {{ var('high_churn_risk') }} then 'high'
            when scored.churn_probability >= {{ var('medium_churn_risk') }} then 'medium'
            when scored.churn_probability is not null then 'low'
        end as risk_band,
        case
            when scored.churn_probability is not null and versions.model_status = 'no_skill' then 'no_skill'
            when scored.churn_probability is not null then 'scored'
            when snapshots.customer_id is null then 'never_ordered'
            when not snapshots.is_eligible then 'inactive'
            else 'insufficient_history'
        end as score_status,
        case
            when scored.churn_probability is not null and versions.model_status = 'no_skill'
                then 'On past dates nothing told better who leaves than the share who do, so all have that share.'
            when scored.churn_probability is not null and versions.train_customers < 500
                then 'Provisional: learnt from fewer than 500 customers.'
            when scored.churn_probability is not null and versions.history_days < {{ season_days }}
                then 'The season is not known yet: that takes {{ season_days }} days of history.'
            when scored.churn_probability is not null then null
            when snapshots.customer_id is null then 'No order that is not cancelled.'
            when not snapshots.is_eligible
                then 'No order for a year: only customers of the last 365 days are scored.'
            else 'No model: ' || coalesce(versions.untrained_reason, 'none was trained') || '.'
        end as score_reason,
        scored.reason_1,
        scored.reason_2,
        scored.reason_3,
        scored.reason_code_1,
        scored.reason_code_2,
        scored.reason_code_3,
        coalesce(versions.model_version, 'none') as model_version,
        {{ as_of_date() }} as as_of_date
    from customers
    cross join versions
    left join snapshots
        on customers.customer_id = snapshots.customer_id
    left join ranked as scored
        on customers.customer_id = scored.customer_id
)

select * from customer_churn
