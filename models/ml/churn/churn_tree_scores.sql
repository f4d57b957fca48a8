-- Grain: one row per fit whose form is boosted trees, and eligible customer of the day that it scores.
-- From each root (node 1) the way goes to node 2 i where the feature is at most the threshold of node i, to
-- 2 i + 1 where it is above; the values on it add up, each for the group of the feature split on above it.
{#- The trees know no feature of the MBG/NBD model. An unknown feature lies below every known one: UNKNOWN in
    clientele/trees.py. -#}
{%- set terms = model_terms('churn_model') | rejectattr('feature', 'in', ['mbg_alive', 'mbg_no_order', 'mbg_orders']) | list %}
{%- set values = [] %}
{%- for term in terms %}
{%- do values.append('coalesce(cast(customer_snapshots.' ~ term.feature ~ ' as double), -1e9)') %}
{%- endfor %}
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

nodes as (
    select
        fit,
        tree,
        node,
        feature_group,
        threshold,
        value,
        case feature
            {%- for term in terms %}
            {{- '\n            ' if loop.index0 % 4 == 0 else ' ' }} when '{{ term.feature }}' then {{ loop.index0 }}
            {%- endfor %}
        end as place
    from {{ ref('churn_parameters') }}
    where model = 'churn' and parameter_type = 'node'
),

trees as (
    select
        {% for node in [1, 2, 3] -%}
        max(case when node = {{ node }} then place end) as place_{{ node }},
        max(case when node = {{ node }} then feature_group end) as group_{{ node }},
        max(case when node = {{ node }} then threshold end) as threshold_{{ node }},
        {% endfor -%}
        {% for node in range(2, 8) -%}
        max(case when node = {{ node }} then value end) as value_{{ node }},
        {% endfor -%}
        fit,
        tree
    from nodes
    group by fit, tree
),

features as (
    select
        fits.fit,
        customer_snapshots.customer_id,
        {{ array_of(values) }} as feature_values
    from {{ ref('int_customer_snapshots') }} as customer_snapshots
    inner join fits
        on customer_snapshots.snapshot_date = fits.snapshot_date
    where customer_snapshots.is_eligible
),

first_steps as (
    select
        features.customer_id,
        features.feature_values,
        {{ array_item('features.feature_values', 'trees.place_1') }} > trees.threshold_1 as is_above,
        trees.*
    from features
    inner join trees
        on features.fit = trees.fit
),

second_steps as (
    select
        fit,
        customer_id,
        group_1 as first_group,
        case when is_above then value_3 else value_2 end as first_value,
        case when is_above then group_3 else group_2 end as second_group,
        case
            when is_above and {{ array_item('feature_values', 'place_3') }} > threshold_3 then value_7
            when is_above then value_6
            when {{ array_item('feature_values', 'place_2') }} > threshold_2 then value_5
            else value_4
        end as second_value
    from first_steps
),

churn_tree_scores as (
    select
        {% for group in terms | map(attribute='group') | unique -%}
        {# Decimals, because doubles add up to other bits in another order. -#}
        cast(sum(cast(
            case when first_group = '{{ group }}' then first_value else 0 end
            + case when second_group = '{{ group }}' then second_value else 0 end
            as decimal(28, 15)
        )) as double) as contribution_{{ group }},
        {% endfor -%}
        fit,
        customer_id
    from second_steps
    group by fit, customer_id
)

select * from churn_tree_scores
